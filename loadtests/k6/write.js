// Writes at a steady rate, of whatever the application takes: what is written stays.
import http from 'k6/http';
import { check } from 'k6';
import { BASE_URL, count, headers, hosts, seconds, summaryTrendStats, unique } from './lib.js';

// As loadtests/environment.py writes it.
const write = JSON.parse(__ENV.WRITE || '{"path": ""}');
const body = write.body === undefined || write.body === null ? null : JSON.stringify(write.body);

export const options = {
  hosts,
  scenarios: {
    write: {
      executor: 'constant-arrival-rate',
      rate: count('RATE', 5),
      timeUnit: '1s',
      duration: seconds('DURATION_SECONDS', 30),
      preAllocatedVUs: count('VUS', 20),
      maxVUs: count('MAX_VUS', 100),
    },
  },
  thresholds: {
    http_req_failed: ['rate<0.001'],
    http_req_duration: ['p(95)<500'],
    checks: ['rate>0.999'],
  },
  summaryTrendStats,
};

export default function () {
  const text = unique();
  const response = http.request(
    write.method,
    BASE_URL + write.path.split('{unique}').join(text),
    body && body.split('{unique}').join(text),
    {
      headers: { ...headers, ...(body ? { 'Content-Type': 'application/json' } : {}) },
      tags: { name: `${write.method} ${write.path}` },
    },
  );
  check(response, { 'status is 2xx': (r) => r.status >= 200 && r.status < 300 });
}
