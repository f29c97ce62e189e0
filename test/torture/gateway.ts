/**
 * What is answered in a CRM's place by what stands before it, whether or not the request got through: for the connectors
 * no verdict on a call.
 */
export interface GatewayPage {
  name: string;
  commits: boolean;
  answer: { status: number; headers: Record<string, string>; body: string };
}

const statuses = [200, 400, 401, 403, 404, 409, 413, 429, 502, 503];

export const gatewayPages: readonly GatewayPage[] = [
  ...statuses.flatMap((status) => [
    page(status, false),
    page(status, true),
    empty(status, false),
    empty(status, true),
  ]),
  {
    name: 'a portal that wants a log-in',
    commits: false,
    // Nothing listens there: whoever follows finds that out at once.
    answer: { status: 302, headers: { Location: 'http://127.0.0.1:9/login?from=crm' }, body: '' },
  },
  {
    name: 'a portal that wants a log-in, by its own status',
    commits: false,
    answer: { status: 511, headers: { 'Content-Type': 'text/html' }, body: '<html><h1>Log in</h1></html>' },
  },
];

function page(status: number, commits: boolean): GatewayPage {
  const body = `<!doctype html><html><head><title>${status}</title></head><body><h1>${status} gateway</h1></body></html>`;
  return {
    name: `page ${status}${when(commits)}`,
    commits,
    answer: { status, headers: { 'Content-Type': 'text/html' }, body },
  };
}

function empty(status: number, commits: boolean): GatewayPage {
  return { name: `empty ${status}${when(commits)}`, commits, answer: { status, headers: {}, body: '' } };
}

function when(commits: boolean): string {
  return commits ? ' after it was done' : '';
}
