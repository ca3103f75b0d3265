// Few requests that each burn CPU: what scales on the request rate alone would never see them.
// Needs a service with USERS_API_FAULTS_ENABLED=true, as the chart's kind values set it.
import http from 'k6/http';
import { check } from 'k6';
import { BASE_URL, count, headers, seconds, summaryTrendStats } from './lib.js';

const milliseconds = count('BURN_MILLISECONDS', 100);

export const options = {
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
  const response = http.get(`${BASE_URL}/api/faults/cpu?milliseconds=${milliseconds}`, {
    headers,
    tags: { name: 'GET /api/faults/cpu' },
  });
  check(response, { 'status is 200': (r) => r.status === 200 });
}
