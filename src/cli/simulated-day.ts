/** A push of the simulated day, and the URL an operator would have given for it. */
export interface SimulatedPush {
  kind: 'create' | 'update';
  fields: Record<string, string>;
}

const dealers = [
  {
    id: '0288887000',
    name: 'Northside Plumbing',
    category: 'Plumbing',
    tracking: '1300555010',
    rings: '0298887001',
  },
  {
    id: '0399991200',
    name: 'Bayside Electrical',
    category: 'Electrical',
    tracking: '1800555020',
    rings: '0399991201',
  },
  {
    id: '0733338000',
    name: 'River City Motors',
    category: 'Automotive',
    tracking: '0755550130',
    rings: '0733338001',
  },
] as const;

const visits = [
  {
    engine: 'google',
    type: 'paid',
    keywords: 'emergency plumber',
    query: 'gclid=Cj0KCQiA{n}&utm_source=google&utm_medium=cpc&utm_campaign=winter',
  },
  { engine: 'google', type: 'free', keywords: '', query: '' },
  { engine: 'bing', type: 'paid', keywords: 'electrician near me', query: 'msclkid=7f{n}&utm_source=bing' },
  { engine: 'facebook', type: 'paid', keywords: '', query: 'fbclid=IwAR{n}&utm_source=facebook' },
  { engine: 'direct', type: '', keywords: '', query: '' },
  { engine: '', type: '', keywords: '', query: '' },
] as const;

/** How long a simulated day is. */
export const openMs = 9 * 3_600_000;

/** The day before, at 8 or 9 in Sydney. */
function opensBefore(day: Date): number {
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate()) - 26 * 3_600_000;
}

/**
 * A day of calls as Delacon would push them, the same for the same seed: answered, unanswered, busy and voicemail;
 * some callers again; and what goes wrong on the way: an end before its start, a push repeated, an end that never
 * comes, a survey that comes later.
 */
export function simulatedDay(
  calls: number,
  seed: number,
  day: Date,
  opens = opensBefore(day),
): SimulatedPush[] {
  const random = generator(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const pushes: SimulatedPush[] = [];
  const callers: string[] = [];
  for (let i = 0; i < calls; i++) {
    const again = callers.length > 3 && random() < 0.2;
    const caller = again ? pick(callers) : newCaller(random);
    if (!again && caller !== 'anonymous') callers.push(caller);
    const startedAt = opens + Math.floor(((i + random()) / calls) * openMs);
    const callId = String(50_000_000 + seed * 10_000 + i);
    const dealer = pick(dealers);
    const start = startOf(callId, caller, dealer, pick(visits), startedAt, i);
    const end = endOf(callId, dealer, random, i % 10 === 7);
    switch (i % 10) {
      case 3: // the end overtakes the start
        pushes.push(end, start);
        break;
      case 5: // a push comes twice
        pushes.push(start, start, end);
        break;
      case 7: // a survey is filled in later
        pushes.push(start, end, survey(callId, random));
        break;
      case 9: // the end is lost
        pushes.push(start);
        break;
      default:
        pushes.push(start, end);
    }
  }
  return pushes;
}

function startOf(
  callId: string,
  caller: string,
  dealer: (typeof dealers)[number],
  visit: (typeof visits)[number],
  startedAt: number,
  n: number,
): SimulatedPush {
  const site = `https://www.${dealer.name.toLowerCase().replaceAll(' ', '-')}.example`;
  return {
    kind: 'create',
    fields: {
      PLA_Call_Id: callId,
      PLA_Caller_Phone_Number: caller,
      PLA_Exchange: caller.startsWith('+612') ? 'Sydney' : '',
      PLA_City: caller.startsWith('+612') ? 'Sydney' : '',
      PLA_State: caller.startsWith('+612') ? 'NSW' : '',
      PLA_Number_Dialed: dealer.tracking,
      PLA_Dealer_ID: dealer.id,
      PLA_Dealer_Name: dealer.name,
      PLA_Dealer_Category: dealer.category,
      PLA_Search_Engine_Used: visit.engine,
      PLA_Search_Type: visit.type,
      PLA_Keywords_Searched: visit.keywords,
      PLA_URL: visit.engine === 'google' ? 'https://www.google.com/' : '',
      PLA_CID: String(100 + dealers.indexOf(dealer)),
      PLA_SESSID: visit.engine === '' ? '' : n.toString(16).padStart(32, '0'),
      PLA_UAID: visit.engine === '' ? '' : `10000.${n}`,
      PLA_CallStartTime: String(startedAt).padStart(20, '0'),
      PLA_Landing_Page: visit.engine === '' ? '' : `${site}/?${visit.query.replace('{n}', String(n))}`,
      PLA_Page_Called_From: visit.engine === '' ? '' : `${site}/contact`,
    },
  };
}

function endOf(
  callId: string,
  dealer: (typeof dealers)[number],
  random: () => number,
  surveyed: boolean,
): SimulatedPush {
  const luck = surveyed ? 0 : random();
  const result = luck < 0.7 ? 'Answered' : luck < 0.9 ? 'Unanswered' : 'Busy';
  const answered = result === 'Answered';
  return {
    kind: 'update',
    fields: {
      PLA_Call_Id: callId,
      PLA_CID: String(100 + dealers.indexOf(dealer)),
      PLA_Answering_Point: answered ? dealer.rings : '',
      PLA_CallResult: result,
      PLA_Duration: answered ? `${20 + Math.floor(random() * 400)}s` : '0s',
      PLA_VoicemailLeft: !answered && random() < 0.5 ? 'Yes' : 'No',
      PLA_SurveyOutcome: '',
      PLA_SurveySaleAmount: '',
      PLA_Converted: random() < 0.5 ? 'Y' : '',
      PLA_dtmf: answered ? 'Sales' : '',
      PLA_RecordingFile: answered ? ` https://pla.delaconcorp.com/recordings/${callId}.wav` : '',
    },
  };
}

function survey(callId: string, random: () => number): SimulatedPush {
  const sale = random() < 0.5;
  return {
    kind: 'update',
    fields: {
      PLA_Call_Id: callId,
      PLA_SurveyOutcome: sale ? 'Sale' : 'Enquiry',
      PLA_SurveySaleAmount: sale ? `$${100 + Math.floor(random() * 2000)}.00` : '',
    },
  };
}

/** Numbers of the ranges that the regulator keeps for fiction, so that nobody's phone is in them. */
function newCaller(random: () => number): string {
  const luck = random();
  if (luck < 0.08) return 'anonymous';
  const digits = String(Math.floor(random() * 1000)).padStart(3, '0');
  return luck < 0.75
    ? `+61491570${digits}`
    : `+6125550${String(Math.floor(random() * 10_000)).padStart(4, '0')}`;
}

/** A linear congruential generator: all that repeatability needs. */
function generator(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
