// A constant number of clients, each with a pause as a person makes: is all well?
import { sleep } from 'k6';
import { count, hosts, readAny, seconds, summaryTrendStats } from './lib.js';

export const options = {
  hosts,
  vus: count('VUS', 20),
  duration: seconds('DURATION_SECONDS', 30),
  thresholds: {
    http_req_failed: ['rate<0.001'],
    http_req_duration: ['p(95)<100', 'p(99)<250'],
    checks: ['rate>0.999'],
  },
  summaryTrendStats,
};

export default function () {
  readAny();
  sleep(0.1);
}
