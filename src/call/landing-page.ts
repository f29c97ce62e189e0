/** What advertising platforms add to the address of the page a caller landed on. */
export interface LandingPage {
  gclid: string | null;
  gbraid: string | null;
  wbraid: string | null;
  msclkid: string | null;
  fbclid: string | null;
  utm: {
    source: string | null;
    medium: string | null;
    campaign: string | null;
    term: string | null;
    content: string | null;
    id: string | null;
  };
}

/** Reads click ids and UTM tags from a landing page's query. Works on fragments of URLs too: only the query counts. */
export function readLandingPage(page: string | null): LandingPage {
  const query = page?.split('#', 1)[0]?.split('?').slice(1).join('&') ?? '';
  const params = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    // The first mention is the advertiser's; repeats are appended by pages on the way.
    if (value.trim() !== '' && !params.has(name.toLowerCase())) params.set(name.toLowerCase(), value.trim());
  }
  const of = (name: string) => params.get(name) ?? null;
  return {
    gclid: of('gclid'),
    gbraid: of('gbraid'),
    wbraid: of('wbraid'),
    msclkid: of('msclkid'),
    fbclid: of('fbclid'),
    utm: {
      source: of('utm_source'),
      medium: of('utm_medium'),
      campaign: of('utm_campaign'),
      term: of('utm_term'),
      content: of('utm_content'),
      id: of('utm_id'),
    },
  };
}
