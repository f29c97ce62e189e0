import { readLandingPage } from '../../src/call/landing-page.ts';
import { assert, suite } from '../support/suite.ts';

const landingPage = suite('landing page');

const nothing = {
  gclid: null,
  gbraid: null,
  wbraid: null,
  msclkid: null,
  fbclid: null,
  utm: { source: null, medium: null, campaign: null, term: null, content: null, id: null },
};

landingPage("reads the click id of the article's sample", () => {
  assert.equal(readLandingPage('https://www.delaconconcorp.com.au?gclid=C152ddsa12213123132'), {
    ...nothing,
    gclid: 'C152ddsa12213123132',
  });
});

landingPage('reads every click id and UTM tag', () => {
  assert.equal(
    readLandingPage(
      'https://a.example/p?gclid=1&gbraid=2&wbraid=3&msclkid=4&fbclid=5&utm_source=google&utm_medium=cpc' +
        '&utm_campaign=spring+sale&utm_term=plumber%20sydney&utm_content=a&utm_id=77#top',
    ),
    {
      gclid: '1',
      gbraid: '2',
      wbraid: '3',
      msclkid: '4',
      fbclid: '5',
      utm: {
        source: 'google',
        medium: 'cpc',
        campaign: 'spring sale',
        term: 'plumber sydney',
        content: 'a',
        id: '77',
      },
    },
  );
});

landingPage('the first mention that says something counts, in any letter case', () => {
  assert.is(readLandingPage('https://a.example/?GCLID=&gclid=first&GClid=second').gclid, 'first');
});

landingPage('reads on behind a second question mark, and from a bare path', () => {
  assert.is(readLandingPage('https://a.example/?x=1?gclid=late').gclid, 'late');
  assert.is(readLandingPage('/page?gclid=path').gclid, 'path');
});

landingPage('says nothing where there is no query', () => {
  for (const page of [
    null,
    '',
    'abc',
    'gclid=1',
    'https://a.example/#gclid=1',
    'https://a.example/?gclid=%20',
  ]) {
    assert.equal(readLandingPage(page), nothing, String(page));
  }
});

landingPage('takes a broken escape as it is', () => {
  assert.is(readLandingPage('https://a.example/?gclid=%E0%A4%A&utm_source=x').utm.source, 'x');
});

landingPage.run();
