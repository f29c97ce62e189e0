/** What is pasted into the Delacon portal. */
export interface PushUrls {
  source: string;
  /** Takes both kinds. */
  single: string;
  create: string;
  update: string;
}

export function pushUrlsOf(source: string, base: string, token: string): PushUrls {
  const single = `${base.replace(/\/+$/, '')}/push/${token}`;
  return { source, single, create: `${single}/create`, update: `${single}/update` };
}
