import { AlertWatch } from '../../src/alert/watch.ts';
import type { Settings } from '../../src/config/settings.ts';
import { createLog, redactor } from '../../src/log.ts';
import { indexedCall, readingsOf } from '../../src/operator/indexed-call.ts';
import type { Attempt } from '../../src/store/deliveries.ts';
import type { Store } from '../../src/store/store.ts';
import { load } from '../config/with-config.ts';
import { endPush, startPush } from '../support/build-push.ts';
import {
  type ChatReceiver,
  type MailServer,
  withChatReceiver,
  withMailServer,
} from '../support/notice-receivers.ts';
import { rawBody, rejection, room } from '../support/rejections.ts';
import { assert, suite } from '../support/suite.ts';
import { VirtualTime } from '../support/virtual-clock.ts';
import { newPush, withSqliteStore } from '../support/with-store.ts';

const alerts = suite('alerts');

const minute = 60_000;
const hour = 60 * minute;
const secret = 'crm-token-that-nobody-may-see';

interface Rig {
  store: Store;
  time: VirtualTime;
  chat: ChatReceiver;
  mail: MailServer;
  log: string[];
  settings: Settings;
  /** Another bridge, or the same one after a restart. */
  another(holder?: string, over?: Store): AlertWatch;
  /** Minute by minute, or in larger strides where it is long, with a look after each. */
  pass(ms: number, watch?: AlertWatch): Promise<void>;
  /** What the chat was told so far: `raised acme-hubspot blocked: title`. */
  told(): string[];
  block(reason?: string | null): Promise<void>;
  /** Brings the index of calls up to what was stored. */
  index(): Promise<void>;
}

/** A look at Monday 2 November 2026, 14:15 in Sydney, has been made. */
function withAlerts(more: string, use: (rig: Rig) => Promise<void>, email = ''): Promise<void> {
  return withChatReceiver((chat) =>
    withMailServer((mail) =>
      withSqliteStore(async (store) => {
        const yaml = `sources: { acme: { tokens: [a-push-token-for-tests] } }
connectors: { crm: { type: sandbox } }
alerts: { webhook: { url: "${chat.url}" }, ${email.replace('PORT', String(mail.port))} ${more} }
`;
        const { settings } = await load(yaml);
        const time = new VirtualTime();
        const log: string[] = [];
        const another: Rig['another'] = (holder = 'this bridge', over = store) =>
          new AlertWatch({
            store: over,
            holder,
            settings: () => settings,
            clock: time.clock(),
            log: createLog('info', [], { write: (line: string) => log.push(line) }),
            redact: redactor([secret]),
          });
        const opening = another();
        await opening.step();
        await opening.stop();
        const first = another();
        const pass: Rig['pass'] = async (ms, watch = first) => {
          const end = time.passed + ms;
          const strideMs = ms > 3 * hour ? 30 * minute : ms > 30 * minute ? 5 * minute : minute;
          while (time.passed < end) {
            await time.pass(Math.min(strideMs, end - time.passed), async () => {});
            await watch.step();
          }
        };
        await use({
          store,
          time,
          chat,
          mail,
          log,
          settings,
          another,
          pass,
          told: () =>
            chat.posted.map(({ kind, of, condition, title }) => `${kind} ${of} ${condition}: ${title}`),
          block: (reason = 'HubSpot refuses the token.') =>
            store.setConnectorState({ connector: 'crm', blockedReason: reason, since: time.now() }),
          index: async () => {
            const readings = readingsOf(settings);
            while (!(await store.indexCalls(readings, (call) => indexedCall(settings, call), 2)).isDone);
          },
        });
        await first.stop();
      }),
    ),
  );
}

const settled: Omit<Attempt, 'n' | 'revision'> = {
  at: new Date('2026-11-02T03:20:00Z'),
  tookMs: 20,
  outcome: 'delivered',
  reason: null,
  notes: [],
  requests: 1,
  batch: 1,
};

async function settle(store: Store, now: Date, state: 'delivered' | 'failed', reason: string | null = null) {
  const lease = (await store.acquireLease('crm', 'this bridge', now, minute))!;
  const [due] = await store.takeDue('crm', now, 1);
  const outcome = state === 'failed' ? 'rejected' : 'delivered';
  await store.settle(lease, [
    {
      callRow: due!.callRow,
      revision: due!.revision,
      attempt: { ...settled, outcome, reason },
      records: {},
      next: { state },
    },
  ]);
  await store.releaseLease(lease);
}

alerts('a blocked connector is told once, reminded of daily, and told when it goes on', () =>
  withAlerts('blockedFor: 5m, silentFor: off', async ({ block, pass, told, chat }) => {
    await block();
    await pass(4 * minute);
    assert.equal(told(), [], 'not before its time');
    await pass(2 * hour);
    const raised = 'raised crm blocked: crm is blocked: its calls wait';
    assert.equal(told(), [raised]);
    assert.match(
      String(chat.posted[0]?.['text']),
      /^HubSpot refuses the token\.\nBlocked since 2026-11-02 14:15; 0 calls waiting\./,
    );
    await pass(23 * hour);
    const reminder = 'reminder crm blocked: Still: crm is blocked: its calls wait';
    assert.equal(told(), [raised, reminder]);
    await block(null);
    await pass(4 * minute);
    assert.equal(told().length, 2, 'it may come back at once');
    await pass(5 * minute);
    assert.equal(told().slice(2), ['recovered crm blocked: crm is no longer blocked']);
    assert.match(String(chat.posted[2]?.['text']), 'From 2026-11-02 14:15 to 2026-11-03 15:20: 1 d 1 h.');
    await pass(2 * hour);
    assert.is(told().length, 3);
  }),
);

alerts('what comes and goes is one condition', () =>
  withAlerts('blockedFor: 1m, silentFor: off', async ({ block, pass, told }) => {
    for (let i = 0; i < 10; i++) {
      await block();
      await pass(3 * minute);
      await block(null);
      await pass(3 * minute);
    }
    assert.is(told().length, 1);
    await pass(3 * minute);
    assert.is(told().length, 2);
  }),
);

alerts('a restart repeats nothing, and still tells when it is over', () =>
  withAlerts('blockedFor: 5m, silentFor: off', async ({ block, pass, told, another }) => {
    const before = another();
    await block();
    await pass(10 * minute, before);
    await before.stop();
    const after = another();
    await pass(10 * minute, after);
    assert.is(told().length, 1);
    await block(null);
    await pass(2 * minute, after);
    await after.stop();
    const last = another();
    await pass(5 * minute, last);
    assert.equal(told().slice(1), ['recovered crm blocked: crm is no longer blocked']);
    await last.stop();
  }),
);

alerts('a notice that was on its way when the bridge ended is sent by the next one', () =>
  withAlerts('blockedFor: 5m, silentFor: off', async ({ block, pass, told, another, chat }) => {
    const before = another();
    chat.refuses = { status: 503 };
    await block();
    await pass(10 * minute, before);
    await before.stop();
    chat.refuses = undefined;
    const after = another();
    await pass(minute, after);
    assert.equal(told(), ['raised crm blocked: crm is blocked: its calls wait']);
    await after.stop();
  }),
);

alerts('of two instances one tells, and the other goes on after it', () =>
  withAlerts('blockedFor: 5m, silentFor: off', async ({ block, time, told, another }) => {
    const [one, two] = [another('one'), another('two')];
    await block();
    for (let i = 0; i < 10; i++) {
      await time.pass(minute, async () => {});
      await Promise.all([one.step(), two.step()]);
    }
    assert.is(told().length, 1);
    // The first dies without a word: its lease has to lapse.
    await block(null);
    for (let i = 0; i < 12; i++) {
      await time.pass(minute, async () => {});
      await two.step();
    }
    assert.equal(told().slice(1), ['recovered crm blocked: crm is no longer blocked']);
    await two.stop();
  }),
);

alerts('failed calls are told with the latest reason, without secrets and whole numbers', () =>
  withAlerts('silentFor: off', async ({ store, time, pass, told, chat }) => {
    await store.record(newPush(startPush('1'), { receivedAt: time.now() }));
    await store.record(newPush(startPush('2'), { receivedAt: time.now() }));
    const reason = `HubSpot answered 400: "phone +61444444444 and <!channel>\n*no*, with ${secret}".`;
    await settle(store, time.now(), 'failed', reason);
    await settle(store, time.now(), 'failed', reason);
    await pass(minute);
    assert.equal(told(), ['raised crm failed: 2 calls failed in crm']);
    assert.is(
      chat.posted[0]?.['text'],
      'The latest, 2: HubSpot answered 400: "phone +6144***444 and <!channel> *no*, with [secret]".\nMend the cause, then deliver again: delacon-bridge replay --state failed --connector crm',
    );
    const [call, other] = await store.calls({ limit: 2 });
    await store.replay([call!.row, other!.row], () => ['crm'], time.now());
    await pass(7 * minute);
    assert.equal(told().slice(1), ['recovered crm failed: No failed calls are left in crm']);
  }),
);

alerts('an old backlog is told of, and when it is written', () =>
  withAlerts('backlogOlderThan: 1h, silentFor: off', async ({ store, time, pass, told, chat }) => {
    await store.record(newPush(startPush('1'), { receivedAt: time.now() }));
    await pass(59 * minute);
    assert.equal(told(), []);
    await pass(2 * minute);
    assert.equal(told(), ['raised crm backlog: Calls have waited for crm for 1 h 1 min']);
    assert.match(String(chat.posted[0]?.['text']), '1 call waiting, the oldest since 2026-11-02 14:15.');
    await settle(store, time.now(), 'delivered');
    await pass(7 * minute);
    assert.equal(told().slice(1), ['recovered crm backlog: crm has caught up']);
  }),
);

alerts('what is written right after a long stop is no old backlog', () =>
  withAlerts('backlogOlderThan: 1h, silentFor: off', async ({ store, time, pass, told, another }) => {
    await store.record(newPush(startPush('1'), { receivedAt: time.now() }));
    time.jump(5 * hour);
    const watch = another();
    await watch.step();
    await settle(store, time.now(), 'delivered');
    await pass(20 * minute, watch);
    assert.equal(told(), []);
    await watch.stop();
  }),
);

alerts('silence counts in working time, and ends with a push', () =>
  withAlerts('silentFor: 8h, backlogOlderThan: off', async ({ store, time, pass, told }) => {
    // Friday 6 November, 15:00 in Sydney.
    await pass(Date.parse('2026-11-06T04:00:00Z') - time.now().getTime());
    const before = told().length;
    await store.record(newPush(startPush('1'), { receivedAt: time.now() }));
    await pass(10 * minute);
    assert.is(told().length, before + 1, 'the push ended what was silent since Monday');
    // Two hours on Friday and six on Monday, until 15:00.
    await pass(Date.parse('2026-11-09T03:59:00Z') - time.now().getTime());
    assert.is(told().length, before + 1);
    await pass(2 * minute);
    assert.equal(told().slice(before + 1), ['raised acme silence: No push of acme for 8 h of working time']);
    await store.record(newPush(endPush('1'), { receivedAt: time.now() }));
    await pass(7 * minute);
    assert.equal(told().slice(before + 2), ['recovered acme silence: Pushes of acme come again']);
  }),
);

alerts('a source that never sent anything is silent from when it was first looked at', () =>
  withAlerts('silentFor: 2h', async ({ pass, told }) => {
    await pass(119 * minute);
    assert.equal(told(), []);
    await pass(minute);
    assert.equal(told(), ['raised acme silence: No push of acme for 2 h of working time']);
  }),
);

alerts('what cannot be sent is tried again, ever later, and holds up nothing else', () =>
  withAlerts(
    'blockedFor: 1m, silentFor: off',
    async ({ block, pass, told, chat, mail, log }) => {
      chat.refuses = { status: 503, body: 'at /services/s3cr3t-path we are\nclosed' };
      await block();
      await pass(2 * hour);
      assert.is(mail.messages.length, 1, 'once, however often the chat is tried');
      // After 5 minutes, 10, 15, 20, 35 and 95: this test looks every five.
      assert.is(chat.requests, 6);
      assert.equal(told(), []);
      const failure = log.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'Notice not sent yet.');
      assert.match(failure.reason, /^127\.0\.0\.1:\d+ answered 503: "at \[secret\] we are closed"$/);
      assert.ok(!log.join('').includes('s3cr3t'));
      chat.refuses = undefined;
      await pass(hour);
      assert.equal(told(), ['raised crm blocked: crm is blocked: its calls wait']);
      assert.is(mail.messages.length, 1);
    },
    'email: { to: [ops@acme.example], from: bridge@acme.example, host: 127.0.0.1, port: PORT },',
  ),
);

alerts('a chat that never answers is left after 20 seconds', () =>
  withAlerts('blockedFor: 1m, silentFor: off', async ({ block, time, chat, log, another }) => {
    const watch = another();
    await block();
    await time.pass(minute, async () => {});
    chat.refuses = 'hang';
    const stepping = watch.step();
    while (chat.requests === 0) await new Promise(setImmediate);
    await time.pass(19_000, async () => {});
    assert.ok(!log.join('').includes('not sent'));
    await time.pass(1_000, async () => {});
    await stepping;
    assert.match(log.join(''), '"reason":"no answer within 20 s"');
    await watch.stop();
  }),
);

alerts('a bridge that stops does not wait for a chat', () =>
  withAlerts('blockedFor: 1m, silentFor: off', async ({ block, time, chat, another }) => {
    const watch = another();
    await block();
    await time.pass(minute, async () => {});
    chat.refuses = 'hang';
    watch.start();
    while (chat.requests === 0) await new Promise(setImmediate);
    await watch.stop();
    assert.is(chat.requests, 1);
  }),
);

alerts('what a chat refuses as it is, is not sent again; what follows is', () =>
  withAlerts('blockedFor: 1m, silentFor: off', async ({ block, pass, told, chat, log }) => {
    chat.refuses = { status: 400, body: 'invalid_payload' };
    await block();
    await pass(3 * hour);
    assert.is(chat.requests, 1);
    assert.match(log.join(''), 'Notice refused: it is not sent again.');
    chat.refuses = undefined;
    await block(null);
    await pass(10 * minute);
    assert.equal(told(), ['recovered crm blocked: crm is no longer blocked']);
  }),
);

alerts('a redirect is not followed, and a notice is given up after a day', () =>
  withAlerts('blockedFor: 1m, silentFor: off, remindAfter: off', async ({ block, pass, chat, log }) => {
    chat.refuses = { status: 302, headers: { location: '/elsewhere' } };
    await block();
    await pass(26 * hour);
    assert.match(log.join(''), 'answered 302');
    assert.match(log.join(''), 'Notice not sent for a day: given up.');
    const { requests } = chat;
    await pass(5 * hour);
    assert.is(chat.requests, requests);
  }),
);

alerts('a store that takes no writes is told of, and nothing twice', () =>
  withAlerts('silentFor: off', async ({ store, pass, told, another }) => {
    let isFull = false;
    const full = async () => {
      throw new Error('SQLite: database or disk is full');
    };
    const store2 = new Proxy(store, {
      get(of, name) {
        if (isFull && ['checkWritable', 'remember', 'renewLease'].includes(String(name))) return full;
        const value = Reflect.get(of, name) as unknown;
        return typeof value === 'function' ? value.bind(of) : value;
      },
    });
    const watch = another('this bridge', store2);
    await pass(4 * minute, watch);
    isFull = true;
    await pass(30 * minute, watch);
    assert.equal(told(), ['raised null store: The store takes no writes: pushes are refused']);
    isFull = false;
    await pass(10 * minute, watch);
    assert.equal(told().slice(1), ['recovered null store: The store takes writes again']);
    await watch.stop();
  }),
);

const wrongToken = (mark: string, at: Date, count = 1) =>
  rejection({ mark, firstAt: at, lastAt: at, count, reason: 'Unknown token.' });

alerts('a wrong token is told from the first minute on, once until none has come for a day', () =>
  withAlerts('silentFor: off', async ({ store, time, pass, told, chat }) => {
    await store.reject([wrongToken('9f2c', time.now(), 14)], room);
    await pass(minute);
    const raised = 'raised …9f2c refused: A URL with a token that is none of ours: ends …9f2c';
    assert.equal(told(), [raised]);
    assert.match(
      String(chat.posted[0]?.['text']),
      /ends …9f2c, 14 pushes since 2026-11-02 14:15\. Was the configuration or the store changed\?/,
    );
    await pass(2 * minute);
    await store.reject([wrongToken('9f2c', time.now())], room);
    await pass(20 * hour);
    assert.equal(told(), [raised]);
    // Another one is another client's.
    await store.reject([wrongToken('77aa', time.now())], room);
    await pass(minute);
    assert.match(told()[1]!, /^raised …77aa refused/);
    await pass(5 * hour);
    assert.equal(told().slice(2), [
      'recovered …9f2c refused: No push to the URL that ends …9f2c has come for a while',
    ]);
  }),
);

alerts('many wrong tokens are a few notices, and the first ones stay', () =>
  withAlerts('silentFor: off, remindAfter: off', async ({ store, time, pass, told }) => {
    await store.reject([wrongToken('true', time.now())], room);
    await pass(minute);
    for (let round = 0; round < 3; round++) {
      const noise = Array.from({ length: 50 }, (_, n) => wrongToken(`${round}${100 + n}`, time.now()));
      await store.reject([...noise, wrongToken('true', time.now()), wrongToken('', time.now())], room);
      await pass(3 * minute);
    }
    assert.is(told().length, 6, told().join('\n'));
    assert.match(told().join('\n'), /refused: URLs with tokens that are none of ours/);
    assert.is(told().filter((one) => one.includes('true')).length, 1);
  }),
);

alerts('unreadable and refused pushes of a source are told, each until it is over or off', () =>
  withAlerts('silentFor: off, rejected: 2h', async ({ store, time, pass, told, chat, settings }) => {
    const of = { source: 'acme', firstAt: time.now(), lastAt: time.now() };
    const body = rawBody('{"number": "0412345678"');
    await store.reject(
      [
        rejection({ ...of, cause: 'unreadable', reason: 'The body is not JSON.', body }),
        rejection({ ...of, cause: 'too_large' }),
        rejection({ ...of, cause: 'refused_address', mark: '203.0.113.9' }),
        rejection({ ...of, cause: 'closing' }),
        rejection({ ...of, source: '', cause: 'wrong_method' }),
      ],
      room,
    );
    await pass(minute);
    assert.equal(told(), [
      'raised acme unreadable: Pushes of acme could not be read',
      'raised acme refused: Pushes of acme were refused',
    ]);
    const texts = chat.posted.map(({ text }) => String(text));
    assert.match(texts[0]!, /1 push could not be read \(The body is not JSON\).*replay --rejected/);
    assert.match(texts[1]!, /not allowed \(203\.0\.113\.9\).*[\s\S]*had too long a body/);
    assert.not.match(texts.join(), '0412345678');
    // Read by now: nothing is left to tell of.
    await store.readAgain(undefined, 0, () => newPush(startPush('1'), { route: () => [] }));
    await pass(7 * minute);
    assert.equal(told().slice(2), [
      'recovered acme unreadable: No unreadable push of acme has come for a while',
    ]);
    settings.alerts.rejectedMs = undefined;
    await pass(3 * hour);
    assert.is(told().length, 3);
  }),
);

alerts('a connector that is configured no more ends without a word', () =>
  withAlerts('blockedFor: 1m, silentFor: off', async ({ block, pass, told, settings }) => {
    await block();
    await pass(5 * minute);
    assert.is(told().length, 1);
    settings.connectors = {};
    await pass(20 * minute);
    assert.is(told().length, 1);
  }),
);

alerts('what is turned off while it lasts ends without a word', () =>
  withAlerts('silentFor: off', async ({ store, time, pass, told, settings }) => {
    await store.record(newPush(startPush('1'), { receivedAt: time.now() }));
    await settle(store, time.now(), 'failed', 'no');
    await pass(minute);
    assert.is(told().length, 1);
    settings.alerts.failed = false;
    await pass(20 * minute);
    assert.is(told().length, 1);
  }),
);

alerts('what is turned off is not told of', () =>
  withAlerts(
    'blockedFor: off, failed: false, backlogOlderThan: off, silentFor: off',
    async ({ block, store, time, pass, told }) => {
      await store.record(newPush(startPush('1'), { receivedAt: time.now() }));
      await store.record(newPush(startPush('2'), { receivedAt: time.now() }));
      await settle(store, time.now(), 'failed', 'no');
      await block();
      await pass(30 * hour);
      assert.equal(told(), []);
    },
  ),
);

const quiet = 'blockedFor: off, failed: false, backlogOlderThan: off, silentFor: off';

alerts('the digest counts the calls of its day, by source and connector', () =>
  withAlerts(`${quiet}, digest: "08:00"`, async ({ store, time, pass, told, chat, index }) => {
    const at = (text: string) => new Date(text);
    const record = (id: string, receivedAt: Date, more = {}) =>
      store.record(newPush({ ...startPush(id), ...endPush(id, more) }, { receivedAt }));
    await record('of-the-day-before', at('2026-11-01T20:59:59Z'));
    await settle(store, time.now(), 'delivered');
    await record('1', at('2026-11-02T03:00:00Z'));
    const wrong = { receivedAt: at('1970-01-01T00:00:05Z'), route: () => [] };
    await store.record(newPush(startPush('while-the-clock-was-wrong'), wrong));
    await settle(store, time.now(), 'delivered');
    await record('2', at('2026-11-02T03:01:00Z'), { PLA_CallResult: 'Unanswered', PLA_VoicemailLeft: 'No' });
    await settle(store, time.now(), 'failed', 'no such property');
    await record('3', at('2026-11-02T03:02:00Z'), { PLA_CallResult: 'Busy' });
    await store.record(newPush(startPush('4'), { receivedAt: at('2026-11-02T03:03:00Z'), route: () => [] }));
    await store.record(newPush(startPush('5'), { receivedAt: at('2026-11-02T21:00:00Z') }));
    await index();

    await pass(Date.parse('2026-11-02T20:59:00Z') - time.now().getTime());
    assert.equal(told(), []);
    await pass(minute);
    assert.equal(told(), ['digest null null: Daily digest: 4 calls, 2 missed, 1 failed']);
    assert.equal(String(chat.posted[0]?.['text']).split('\n'), [
      'Calls received from 2026-11-02 08:00 to 2026-11-03 08:00: 4. In the CRM: 1, waiting: 1, failed: 1. Missed: 2.',
      'acme: 4 received, 2 missed, 1 that no route takes',
      'crm: 1 of 3 in the CRM, 1 waiting, 1 failed',
      'Whenever they came, 2 are waiting now, and 1 that failed wait for a replay.',
    ]);
    await pass(24 * hour);
    assert.equal(told().slice(1), ['digest null null: Daily digest: 1 call, 0 missed, 0 failed']);
    await pass(24 * hour);
    assert.equal(told().slice(2), ['digest null null: Daily digest: no calls']);
  }),
);

alerts('the digest waits for the index of calls, but not for ever', () =>
  withAlerts(`${quiet}, digest: "08:00"`, async ({ store, time, pass, told, chat, index }) => {
    const first = 'digest null null: Daily digest: 1 call, 0 missed, 0 failed';
    const route = () => [];
    await store.record(newPush(startPush('1'), { receivedAt: new Date('2026-11-02T03:00:00Z'), route }));
    await pass(Date.parse('2026-11-02T21:00:00Z') - time.now().getTime());
    await pass(10 * minute);
    assert.equal(told(), []);
    await index();
    // What comes after its day holds nothing up.
    await store.record(newPush(startPush('2'), { receivedAt: time.now(), route }));
    await pass(minute);
    assert.equal(told(), [first]);

    await pass(Date.parse('2026-11-03T21:00:00Z') - time.now().getTime());
    await pass(2 * hour);
    assert.equal(told(), [first, 'digest null null: Daily digest: no calls']);
    assert.match(String(chat.posted[1]?.['text']), 'calls may be missing here');
  }),
);
alerts('one digest a day across the change to daylight saving, whatever restarts', () =>
  withAlerts(`${quiet}, digest: "02:30", timezone: Pacific/Auckland`, async ({ time, another, chat }) => {
    time.jump(Date.parse('2027-04-01T00:00:00Z') - time.now().getTime());
    const times: string[] = [];
    for (let halfHours = 0; halfHours < 2 * 24 * 5; halfHours++) {
      const watch = another();
      const { length } = chat.posted;
      await watch.step();
      if (chat.posted.length > length && halfHours > 0) times.push(time.now().toISOString());
      await watch.stop();
      await time.pass(30 * minute, async () => {});
    }
    // 02:30 in NZDT is 13:30, in NZST 14:30; on 4 April it comes twice, and the digest once.
    assert.equal(
      times.map((one) => one.slice(5, 10)),
      ['04-01', '04-02', '04-03', '04-04', '04-05'],
    );
    assert.equal([times[0]?.slice(11, 16), times[4]?.slice(11, 16)], ['13:30', '14:30']);
  }),
);

alerts('a digest that fell into a stop is sent after it, unless that is half a day ago', () =>
  withAlerts(`${quiet}, digest: "08:00"`, async ({ time, pass, told, another }) => {
    const jumpTo = (text: string) => time.jump(Date.parse(text) - time.now().getTime());
    jumpTo('2026-11-02T23:00:00Z');
    const late = another();
    await pass(minute, late);
    assert.is(told().length, 1);
    await late.stop();
    jumpTo('2026-11-04T10:00:00Z');
    const tooLate = another();
    await pass(5 * minute, tooLate);
    assert.is(told().length, 1);
    await tooLate.stop();
  }),
);

alerts.run();
