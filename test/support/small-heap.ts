/* Asks for a small heap, and tells what it is by then. */
import { withSmallHeap } from '../../src/runtime/memory.ts';

withSmallHeap();
console.log(JSON.stringify({ pid: process.pid, flags: process.execArgv, words: process.argv.slice(2) }));
