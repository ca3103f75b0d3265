import http from 'k6/http';
import { check } from 'k6';

export const BASE_URL = (__ENV.BASE_URL || 'http://localhost:8080').replace(/\/+$/, '');

// loadtests/environment.py sets what is another application's.
export const READ = __ENV.READ || '/api/users/{id}';
const TOKEN = __ENV.TOKEN === undefined ? 'test-token' : __ENV.TOKEN;
// The seeded users have the ids 1 to 1000.
const USERS = Number(__ENV.USERS || 1000);
const began = Date.now().toString(36);
let sent = 0;

export const headers = TOKEN ? { Authorization: `Bearer ${TOKEN}` } : {};

// Names below localhost are this host, as in browsers, curl and loadtests/loopback.py; Go asks the name server.
export const hosts = { '*.localhost': '127.0.0.1' };

/** Reads one thing drawn at random; one name for all of them, or each id would be a series of its own. */
export function readAny() {
  const id = 1 + Math.floor(Math.random() * USERS);
  const response = http.get(BASE_URL + READ.replace('{id}', id), { headers, tags: { name: `GET ${READ}` } });
  check(response, { 'status is 200': (r) => r.status === 200 });
  return response;
}

/** Gives what replaces `{unique}`: a text of this request alone. */
export function unique() {
  sent += 1;
  return `${began}-${__VU}-${sent}`;
}

/** A duration from the environment in seconds, as k6 writes it. */
export function seconds(name, otherwise) {
  const value = Number(__ENV[name] || otherwise);
  if (!(value > 0)) {
    throw new Error(`${name} must be a number of seconds above 0, not ${__ENV[name]}`);
  }
  return `${value}s`;
}

/** A whole number above 0 from the environment. */
export function count(name, otherwise) {
  const value = Number(__ENV[name] || otherwise);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`${name} must be a whole number above 0, not ${__ENV[name]}`);
  }
  return value;
}

/** What summary.json and the terminal show. */
export const summaryTrendStats = ['avg', 'min', 'med', 'p(90)', 'p(95)', 'p(99)', 'max'];
