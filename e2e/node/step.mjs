// Tells the test what a worker does, a line a step, and waits for a line from
// the test at the steps that STOP_AT names: it says when things happen.
import { createInterface } from 'node:readline';

const stops = new Set((process.env.STOP_AT ?? '').split(',').filter(Boolean));
const input = stops.size > 0 ? createInterface({ input: process.stdin })[Symbol.asyncIterator]() : null;

export async function step(...words) {
  console.log(words.join(' '));
  if (stops.has(words[0])) await input.next();
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
