import { startPush } from '../support/build-push.ts';
import { startHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { median, pushToken, startBridge } from './processes.ts';
import type { Bench } from './row.ts';

const calls = 30;

/** From the moment a push is answered to the request at the CRM: idle bridge, known caller, one clock. */
export const live: Bench = async ({ runtime }) => {
  const hubspot = await startHubSpotEmulator({ limits: { perTenSeconds: 1_000_000 } });
  const connector = `{ crm: { type: hubspot, accessToken: ${hubspot.token}, baseUrl: "${hubspot.url}" } }`;
  const bridge = await startBridge(runtime, connector);
  try {
    const push = async (callId: string) => {
      await fetch(`${bridge.url}/push/${pushToken}`, {
        method: 'POST',
        body: JSON.stringify(startPush(callId)),
      });
      return performance.now();
    };
    const requestSince = (before: number) => {
      return new Promise<number>((resolve) => {
        const look = () => {
          if (hubspot.countRequests() > before) resolve(performance.now());
          else setImmediate(look);
        };
        look();
      });
    };
    for (let i = 0; i < 5; i++) await push(`w${i}`); // the caller becomes known, and code warm
    const times: number[] = [];
    for (let i = 0; i < calls; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100)); // idle
      const before = hubspot.countRequests();
      const arrived = requestSince(before);
      const answered = await push(`c${i}`);
      times.push((await arrived) - answered);
    }
    const ms = median(times);
    return [
      {
        runtime,
        what: 'push answered to CRM request, idle, known caller',
        measured: `${ms.toFixed(1)} ms median`,
        bar: '≤ 5 ms',
        met: ms <= 5,
      },
    ];
  } finally {
    await bridge.stop();
    await hubspot.close();
  }
};
