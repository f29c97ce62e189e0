/* A process that records a call, says so, and lives on until it is killed: `record-and-wait.ts <file> <call id>`. */
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import { startPush } from '../../support/build-push.ts';
import { newPush } from '../../support/with-store.ts';

const [file = '', callId = ''] = process.argv.slice(2);
const store = await openSqliteStore(file, 'bridge');
await store.acquireLease('crm', 'the killed one', new Date(), 3_600_000);
await store.record(newPush(startPush(callId)));
process.stdout.write('recorded\n');
setInterval(() => {}, 1_000);
