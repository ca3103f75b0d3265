// Clients in steps, each step held: where does latency leave the line?
import { sleep } from 'k6';
import { count, hosts, readAny, seconds, summaryTrendStats } from './lib.js';

const peak = count('VUS', 100);
const step = seconds('STEP_SECONDS', 20);
const rise = seconds('RISE_SECONDS', 5);

export const options = {
  hosts,
  scenarios: {
    stress: {
      executor: 'ramping-vus',
      startVUs: Math.ceil(peak / 10),
      stages: [
        ...[0.1, 0.25, 0.5, 0.75, 1].flatMap((share) => [
          { target: Math.ceil(peak * share), duration: rise },
          { target: Math.ceil(peak * share), duration: step },
        ]),
        { target: 0, duration: rise },
      ],
      gracefulRampDown: '5s',
    },
  },
  thresholds: {
    // Past its limit the service may be slow; it may not fail.
    http_req_failed: ['rate<0.01'],
    http_req_duration: ['p(95)<1000'],
  },
  summaryTrendStats,
};

export default function () {
  readAny();
  sleep(0.1);
}
