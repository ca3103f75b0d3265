// An open load in stages, of any mix of requests, of which each answer is kept: see loadtests/measure/load.py, which
// starts it. It costs k6 as little as it can: no bodies, no tags but those of its own two metrics.
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { BASE_URL, READ, count, headers, hosts, unique } from './lib.js';

const asked = new Counter('asked');
const answer = new Trend('answer', true);
const stages = JSON.parse(__ENV.STAGES || '[{"rate": 20, "seconds": 10}]');
const requests = JSON.parse(__ENV.REQUESTS || '[{}]').map((request) => ({
  name: request.name || request.path || READ,
  method: request.method || 'GET',
  url: BASE_URL + (request.path || READ),
  body: request.body === undefined || request.body === null ? null : JSON.stringify(request.body),
  weight: request.weight || 1,
  isUnique: JSON.stringify(request).includes('{unique}'),
  serverField: request.server_field,
  params: {
    headers: {
      ...headers,
      ...(request.token ? { Authorization: `Bearer ${request.token}` } : {}),
      ...(request.body ? { 'Content-Type': 'application/json' } : {}),
    },
    timeout: count('TIMEOUT_SECONDS', 10) * 1000,
    responseType: request.server_field ? 'text' : 'none',
  },
}));
const weights = requests.reduce((sum, request) => sum + request.weight, 0);
const users = count('USERS', 1000);
const firstUser = count('FIRST_USER', 1);
// Each user once, so that no answer comes from a cache that an earlier request of this load has filled.
const inTurn = __ENV.IN_TURN === '1';
const cacheHeader = __ENV.CACHE_HEADER === undefined ? 'X-Cache' : __ENV.CACHE_HEADER;

http.setResponseCallback(null); // no http_req_failed: Python says what failed

export const options = {
  systemTags: ['vu', 'iter'],
  hosts,
  noConnectionReuse: __ENV.KEEP_ALIVE === '0',
  scenarios: {
    open: {
      executor: 'ramping-arrival-rate',
      startRate: stages[0].rate,
      timeUnit: '1s',
      // A target with no duration is a step.
      stages: stages.flatMap(({ rate, seconds, to_rate: to }) => [
        { target: rate, duration: 0 },
        { target: to === undefined || to === null ? rate : to, duration: `${Math.round(seconds * 1000)}ms` },
      ]),
      preAllocatedVUs: count('VUS', 400), // and no more
      gracefulStop: `${count('TIMEOUT_SECONDS', 10) + 2}s`,
    },
  },
};

function draw() {
  let left = Math.random() * weights;
  return requests.find((request) => (left -= request.weight) < 0) || requests[0];
}

function serverOf(response, field) {
  try {
    return response.json(field) || '';
  } catch {
    return ''; // it is no JSON
  }
}

export default function () {
  const request = requests.length === 1 ? requests[0] : draw();
  const user = inTurn ? exec.scenario.iterationInTest % users : Math.floor(Math.random() * users);
  let url = request.url.replace('{id}', firstUser + user);
  let body = request.body;
  if (request.isUnique) {
    const text = unique();
    url = url.split('{unique}').join(text);
    body = body && body.split('{unique}').join(text);
  }
  asked.add(1, { request: request.name });
  const response = http.request(request.method, url, body, request.params);
  const tags = { status: response.status, error: response.error_code };
  if (cacheHeader && response.headers[cacheHeader]) {
    tags.cache = response.headers[cacheHeader];
  }
  if (response.headers['Retry-After']) {
    tags.retry_after = response.headers['Retry-After'];
  }
  if (request.serverField && response.status === 200) {
    tags.server = serverOf(response, request.serverField);
  }
  answer.add(response.timings.blocked + response.timings.duration, tags);
}
