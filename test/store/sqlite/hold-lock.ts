/* Another program: holds the write lock of a database until its standard input ends. `node hold-lock.ts <file>` */
import { DatabaseSync } from 'node:sqlite';

const database = new DatabaseSync(process.argv[2] as string);
database.exec('pragma busy_timeout=5000; begin immediate');
process.stdout.write('held\n');
process.stdin.resume().on('end', () => {
  database.exec('rollback');
  database.close();
});
