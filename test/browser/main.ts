/*
 * Runs the tests of the operator page in a real browser: `node test/browser/main.ts [part of a name …]`. Where there is
 * no Chromium they are left out, and it says so; with CI=true it has to be there.
 */
import { existsSync } from 'node:fs';
import { parse } from 'uvu/parse';
import { run } from 'uvu/run';
import { chromiumPath } from './chromium.ts';

if (!existsSync(chromiumPath)) {
  const what = `There is no ${chromiumPath}: install Chromium (apt-get install chromium), or name another one in CHROMIUM.`;
  if (process.env['CI'] === 'true') {
    console.error(`The browser tests cannot run. ${what}`);
    process.exit(1);
  }
  console.log(`The browser tests are left out. ${what}`);
  process.exit();
}

Object.assign(globalThis, { UVU_DEFER: 1 }); // uvu reads it when first imported: suites wait for run()
await import('../support/suite.ts');
const wanted = process.argv.slice(2);
const { suites } = await parse('test/browser', /\.browser\.ts$/);
const chosen = suites.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
await run(chosen);
process.exit(); // suite.ts decides the code
