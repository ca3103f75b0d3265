// Few requests that each burn CPU: what scales on the request rate alone would never see them.
// The users API needs USERS_API_FAULTS_ENABLED=true for it, as the chart's kind values set it.
import http from 'k6/http';
import { check } from 'k6';
import { BASE_URL, count, headers, hosts, seconds, summaryTrendStats } from './lib.js';

const path = __ENV.BURN || '/api/faults/cpu?milliseconds={milliseconds}';
const milliseconds = count('BURN_MILLISECONDS', 100);

export const options = {
  hosts,
  scenarios: {
    burn: {
      executor: 'constant-arrival-rate',
      rate: count('RATE', 5),
      timeUnit: '1s',
      duration: seconds('DURATION_SECONDS', 60),
      preAllocatedVUs: count('VUS', 20),
      maxVUs: count('MAX_VUS', 100),
    },
  },
  thresholds: {
    http_req_failed: ['rate<0.01'],
  },
  summaryTrendStats,
};

export default function () {
  const response = http.get(BASE_URL + path.replace('{milliseconds}', milliseconds), {
    headers,
    tags: { name: `GET ${path}` },
  });
  check(response, { 'status is 200': (r) => r.status === 200 });
}
