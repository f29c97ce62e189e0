import { type BridgeFolder, pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { type HubSpotEmulator, withHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { type SalesforceEmulator, withSalesforceEmulator } from '../support/salesforce-emulator.ts';
import { assert, suite } from '../support/suite.ts';

const setup = suite('setup command');

/** A CRM that is still to be set up. */
interface Bare {
  folder: BridgeFolder;
  settings: string;
  /** What setup would make, as the plan names it. */
  wanted: RegExp[];
  /** Whether anything of it is there. */
  isTouched(): boolean;
  /** Somebody has made a field with our name that cannot be used. */
  getInTheWay(): void;
  inTheWay: RegExp;
}

const crms = {
  HubSpot: (may: boolean, use: (crm: Bare) => Promise<void>) =>
    withHubSpotEmulator(
      (hubspot: HubSpotEmulator) => {
        if (!may) hubspot.scopes.delete('crm.schemas.calls.write');
        const settings = `{ type: hubspot, accessToken: ${hubspot.token}, baseUrl: "${hubspot.url}" }`;
        return withFolder(settings, (folder) =>
          use({
            folder,
            settings,
            wanted: [/create +property calls\.delacon_call_id/, /create +property contacts\.delacon_caller/],
            isTouched: () => hubspot.countRequests('POST') > 0,
            getInTheWay: () => hubspot.addProperty('contacts', { name: 'delacon_caller' }),
            inTheWay: /conflict +property contacts\.delacon_caller +exists without unique values/,
          }),
        );
      },
      { provisioned: false },
    ),
  Salesforce: (may: boolean, use: (crm: Bare) => Promise<void>) =>
    withSalesforceEmulator(
      (salesforce: SalesforceEmulator) => {
        const { url, clientId, clientSecret } = salesforce;
        const auth = `{ flow: clientCredentials, loginUrl: "${url}", clientId: ${clientId}, clientSecret: ${clientSecret} }`;
        const settings = `{ type: salesforce, auth: ${auth} }`;
        return withFolder(settings, (folder) =>
          use({
            folder,
            settings,
            wanted: [/create +field Activity\.Delacon_Call_Id__c/, /create +field Lead\.Delacon_Caller__c/],
            isTouched: () => salesforce.fields('Task').some(({ custom }) => custom),
            getInTheWay: () =>
              salesforce.addField('Lead', 'Delacon_Caller__c', {
                type: 'Text',
                length: 40,
                externalId: true,
              }),
            inTheWay: /conflict +field Lead\.Delacon_Caller__c +exists, but does not have to be unique/,
          }),
        );
      },
      { provisioned: false, mayCustomize: may },
    ),
};

const denied = {
  HubSpot: /Grant crm\.schemas\.calls\.write/,
  Salesforce: /requires a user with the ModifyAllData or ModifyMetadata permissions/,
};

function withFolder(settings: string, use: (folder: BridgeFolder) => Promise<void>): Promise<void> {
  return withBridgeFolder(async (folder) => {
    folder.configure(`sources: { acme: { tokens: [${pushToken}] } }\nconnectors:\n  acme-crm: ${settings}\n`);
    await use(folder);
  });
}

for (const name of ['HubSpot', 'Salesforce'] as const) {
  const withCrm = crms[name];

  setup(
    `an empty ${name}: it shows its plan, makes it when told to, reads it back, and then has nothing to do`,
    () =>
      withCrm(true, async ({ folder, wanted, isTouched }) => {
        const shown = await folder.run('setup', 'acme-crm');
        assert.is(shown.code, 1);
        for (const step of wanted) assert.match(shown.stdout, step);
        assert.match(shown.stderr, /Nothing was changed\. To create \d without being asked: --yes/);
        const planned = JSON.parse((await folder.run('setup', 'acme-crm', '--json')).stdout);
        assert.is(planned.created, 0);
        assert.ok(planned.plan.some(({ action }: { action: string }) => action === 'create'));
        assert.not(isTouched());

        const lacking = await folder.run('check', '--online', '--json');
        const { findings } = JSON.parse(lacking.stdout) as { findings: { fix?: string }[] };
        const named = /^Run `.*main\.ts setup acme-crm --config .*`\.$/; // to paste here, in no checkout
        assert.ok(
          findings.some(({ fix }) => named.test(fix ?? '')),
          lacking.stdout,
        );

        const made = await folder.run('setup', 'acme-crm', '--yes');
        assert.is(made.code, 0, made.stderr);
        assert.match(made.stdout, /created .*\nRead back: everything is in place\./);
        assert.ok(isTouched());

        const again = await folder.run('setup', 'acme-crm');
        assert.is(again.code, 0, again.stderr);
        assert.not.match(again.stdout, /create/);
        assert.match(again.stdout, /Everything is in place\./);
        const { plan, created } = JSON.parse((await folder.run('setup', 'acme-crm', '--json')).stdout);
        assert.is(created, 0);
        assert.ok(plan.every(({ action }: { action: string }) => action === 'keep'));
        assert.is((await folder.run('check', '--online')).code, 0);
      }),
  );

  setup(`a ${name} in which something is in the way: it says what to do, makes nothing, and fails`, () =>
    withCrm(true, async ({ folder, isTouched, getInTheWay, inTheWay }) => {
      getInTheWay();
      const { code, stdout, stderr } = await folder.run('setup', 'acme-crm', '--yes');
      assert.is(code, 1);
      assert.match(stdout, inTheWay);
      assert.match(stderr, 'Nothing was changed: the conflicts need a hand first.');
      assert.not(isTouched());
      const check = await folder.run('check', '--online');
      assert.is(check.code, 1);
    }),
  );

  setup(`without permission in ${name}: it says which one is lacking, and fails`, () =>
    withCrm(false, async ({ folder }) => {
      const { code, stderr } = await folder.run('setup', 'acme-crm', '--yes');
      assert.is(code, 1);
      assert.match(stderr, denied[name]);
      assert.not.match(stderr, /^ +at /m);
    }),
  );
}

for (const name of ['HubSpot', 'Salesforce'] as const) {
  setup(`two clients who log in differently to one account of ${name}: check asks, and says so`, () =>
    crms[name](true, async ({ folder, settings }) => {
      const other = settings.replaceAll('127.0.0.1', 'localhost');
      const config = (source: string) => `
sources: { acme: { tokens: [] }, beta: { tokens: [], callIdPrefix: beta- } }
connectors:
  acme-crm: ${settings}
  beta-crm: ${other}
routes: [{ source: acme, to: [acme-crm] }, { ${source} to: [beta-crm] }]
`;
      const told = async (source: string) => {
        folder.configure(config(source));
        assert.not.match((await folder.run('check')).stdout, 'acme-crm');
        const { stdout } = await folder.run('check', '--online', '--json');
        const { findings } = JSON.parse(stdout) as { findings: Record<string, string>[] };
        return findings.filter(({ subject }) => subject === 'account');
      };
      assert.equal(await told('source: beta,'), [
        {
          connector: 'beta-crm',
          level: 'warning',
          subject: 'account',
          message: 'It is the account of acme-crm, too, so calls of different sources meet in one CRM.',
          fix: 'Give beta-crm credentials of its own. If one CRM is meant, let a route bring the sources of both to acme-crm, and take beta-crm out.',
        },
      ]);
      assert.equal(await told(''), []); // one client, whose calls all go there
    }),
  );
}

setup('a connector that the configuration does not have', () =>
  crms.HubSpot(true, async ({ folder }) => {
    const { code, stderr } = await folder.run('setup', 'acme-cmr');
    assert.is(code, 2);
    assert.match(stderr, 'There is no connector "acme-cmr". Did you mean "acme-crm"? Known: acme-crm.');
  }),
);

setup.run();
