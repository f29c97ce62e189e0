/*
 * Logs so many lines while its event loop has other things to do, says on its standard error when they are all logged, and
 * ends when its standard input does. `node talkative.ts <lines>`
 */
import { createLog, exit } from '../../src/log.ts';

const lines = Number(process.argv[2]);
const log = createLog('info');
let n = 0;
const timer = setInterval(() => {
  for (let i = 0; i < 500 && n < lines; i++) log.info({ n: ++n }, `A line. ${'x'.repeat(100)}`);
  if (n < lines) return;
  clearInterval(timer);
  process.stderr.write('all are logged\n');
}, 1);
process.stdin.resume().on('end', () => {
  log.info('The last line.');
  void exit(7);
});
