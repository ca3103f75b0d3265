import http from 'k6/http';
import { check } from 'k6';

export const BASE_URL = (__ENV.BASE_URL || 'http://localhost:8080').replace(/\/+$/, '');

const TOKEN = __ENV.TOKEN || 'test-token';
// The seeded users have the ids 1 to 1000.
const USERS = Number(__ENV.USERS || 1000);

export const headers = { Authorization: `Bearer ${TOKEN}` };

/** Reads a user drawn at random; one name for all of them, or each id would be a series of its own. */
export function getRandomUser() {
  const id = 1 + Math.floor(Math.random() * USERS);
  const response = http.get(`${BASE_URL}/api/users/${id}`, { headers, tags: { name: 'GET /api/users/{id}' } });
  check(response, { 'status is 200': (r) => r.status === 200 });
  return response;
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
