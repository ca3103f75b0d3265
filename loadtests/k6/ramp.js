// An open arrival rate, ten times as high at its peak: requests come whether or not the earlier ones were answered,
// as from users who know nothing of each other, so a slow service cannot slow its own load.
import { count, hosts, readAny, seconds, summaryTrendStats } from './lib.js';

const start = count('RATE_START', 20);
const peak = count('RATE_PEAK', 200);

export const options = {
  hosts,
  scenarios: {
    ramp: {
      executor: 'ramping-arrival-rate',
      startRate: start,
      timeUnit: '1s',
      stages: [
        { target: start, duration: seconds('BASE_SECONDS', 15) },
        { target: peak, duration: seconds('RISE_SECONDS', 30) },
        { target: peak, duration: seconds('HOLD_SECONDS', 75) },
        { target: start, duration: seconds('FALL_SECONDS', 10) },
        { target: start, duration: seconds('COOL_SECONDS', 10) },
      ],
      preAllocatedVUs: count('VUS', 300), // one that has yet to be made drops what it was to send
      maxVUs: count('MAX_VUS', 400),
    },
  },
  thresholds: {
    http_req_failed: ['rate<0.001'],
    http_req_duration: ['p(95)<500'],
    // An open load that is not offered in full measures something else.
    dropped_iterations: ['rate<1'],
  },
  summaryTrendStats,
};

export default function () {
  readAny();
}
