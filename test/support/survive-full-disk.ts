/*
 * Loaded before the bridge. A test makes its disk full by a limit on the size of its files; the signal that comes with it
 * would end the process, where a full disk only fails the write.
 */
process.on('SIGXFSZ', () => {});
