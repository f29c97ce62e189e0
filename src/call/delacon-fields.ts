import type { Call } from './call.ts';
import { pushFields } from './push.ts';

/** A field of the vendor's article, and what the bridge reads from it. */
export interface DelaconField {
  /** What templates call it: `call.marketing.keywords`. */
  template: string;
  kind: 'text' | 'number' | 'yes or no' | 'time' | 'telephone number' | 'address';
  /** As Delacon sends it: from the article, or where that has only `abc`, of that form. */
  example: string;
  /** What it is, and what stands in it, in a sentence or two. */
  says: string;
  /** What `{{ PLA_… }}` gives, where it is not what `template` gives. */
  read?: (call: Call) => string | null;
}

type FieldName = (typeof pushFields)[number];

/** A number as it is dialled abroad; one that cannot be read, as sent. */
const numberOf = (of: 'caller' | 'dialled' | 'answeredBy') => (call: Call) =>
  call[of].number ?? (of === 'caller' && call.caller.withheld ? null : call[of].raw || null);

/**
 * Values of engine and type are those of Delacon's help center ("Search engine" and "Type" columns of its reports,
 * article 360052130874); all else is as the article on the push has it.
 */
export const delaconFields: Readonly<Record<FieldName, DelaconField>> = {
  PLA_Call_Id: {
    template: 'call.id',
    kind: 'text',
    example: '1122334',
    says: 'Unique id of the call at Delacon.',
  },
  PLA_Caller_Phone_Number: {
    template: 'call.caller.number',
    kind: 'telephone number',
    example: '+61444444444',
    says: 'The caller. Also `.display` (0444 444 444), `.national`, `.raw` (as sent), `.country`, `.withheld`.',
    read: numberOf('caller'),
  },
  PLA_Exchange: {
    template: 'call.caller.exchange',
    kind: 'text',
    example: 'Parramatta',
    says: 'Telephone exchange that the call came from. Landlines only.',
  },
  PLA_City: {
    template: 'call.caller.city',
    kind: 'text',
    example: 'Sydney',
    says: 'City that the call came from. Landlines only.',
  },
  PLA_State: {
    template: 'call.caller.state',
    kind: 'text',
    example: 'NSW',
    says: 'State that the call came from. Landlines only.',
  },
  PLA_Number_Dialed: {
    template: 'call.dialled.number',
    kind: 'telephone number',
    example: '0288889999',
    says: 'The tracking number that was rung. Also `.display`, `.raw`.',
    read: numberOf('dialled'),
  },
  PLA_Dealer_ID: {
    template: 'call.dealer.id',
    kind: 'text',
    example: '0298765432',
    says: 'The number that the tracking number replaces on the website.',
  },
  PLA_Dealer_Name: {
    template: 'call.dealer.name',
    kind: 'text',
    example: 'Acme Plumbing',
    says: 'Name of the service, as set in the Delacon portal.',
  },
  PLA_Dealer_Category: {
    template: 'call.dealer.category',
    kind: 'text',
    example: 'Plumbing',
    says: 'Category of the service, as set in the Delacon portal.',
  },
  PLA_Search_Engine_Used: {
    template: 'call.marketing.engine',
    kind: 'text',
    example: 'google',
    says: '`google`, `bing`, `Yahoo`, `facebook`; `direct` (address typed in), `internal` (from the own website), `mobile search`; else the `utm_source`. Blank: no web session.',
  },
  PLA_Search_Type: {
    template: 'call.marketing.type',
    kind: 'text',
    example: 'paid',
    says: '`paid`, `free` (which others call organic), `Call ext` (from an advertisement itself); else the `utm_medium`. Blank: no web session.',
  },
  PLA_Keywords_Searched: {
    template: 'call.marketing.keywords',
    kind: 'text',
    example: 'plumber near me',
    says: 'What was searched for, where keywords are tagged.',
  },
  PLA_URL: {
    template: 'call.marketing.referrer',
    kind: 'address',
    example: 'https://www.google.com/',
    says: 'The page that led to the website.',
  },
  PLA_CID: {
    template: 'call.serviceId',
    kind: 'text',
    example: '123',
    says: 'Id of the service at Delacon.',
  },
  PLA_SESSID: {
    template: 'call.marketing.sessionId',
    kind: 'text',
    example: 'Cuei212417iiyskskiidfsikks',
    says: "Web session of the call, or Google's click id where an advertisement brought it: then it is `call.marketing.gclid`, too.",
  },
  PLA_UAID: {
    template: 'call.marketing.googleClientId',
    kind: 'text',
    example: '123456.4567',
    says: 'Client id of Google Analytics.',
  },
  PLA_CallStartTime: {
    template: 'call.startedAt',
    kind: 'time',
    example: '00000001556755937003',
    says: 'When it began to ring: milliseconds since 1970. `| date: "%d/%m/%Y %H:%M"` writes it in the source\'s time zone.',
  },
  PLA_Landing_Page: {
    template: 'call.marketing.landingPage',
    kind: 'address',
    example: 'https://www.acme.example/?utm_campaign=spring&gclid=C152ddsa12213123132',
    says: 'The page the caller landed on. What its address holds: `call.marketing.utm.campaign`, `.source`, `.medium`, `.term`, `.content`, `.id`, and `call.marketing.gclid`, `.gbraid`, `.wbraid`, `.msclkid`, `.fbclid`.',
  },
  PLA_Page_Called_From: {
    template: 'call.marketing.calledFrom',
    kind: 'address',
    example: 'https://www.acme.example/contact',
    says: 'The page the caller was on.',
  },
  PLA_ExtraTracking: {
    template: 'call.extra',
    kind: 'text',
    example: 'newsletter',
    says: 'A parameter of your own.',
  },
  PLA_Answering_Point: {
    template: 'call.answeredBy.number',
    kind: 'telephone number',
    example: '0298989898',
    says: 'The number that the call was put through to. Also `.display`, `.raw`.',
    read: numberOf('answeredBy'),
  },
  PLA_CallResult: {
    template: 'call.resultText',
    kind: 'text',
    example: 'Answered',
    says: 'As sent. `call.result` is `answered`, `unanswered`, `busy` or `other`, and `call.missed` says whether nobody got it.',
  },
  PLA_Duration: {
    template: 'call.durationSeconds',
    kind: 'number',
    example: '50s',
    says: 'In seconds: 50.',
  },
  PLA_VoicemailLeft: {
    template: 'call.voicemail',
    kind: 'yes or no',
    example: 'Yes',
    says: 'Whether a message was left on a call that nobody answered.',
  },
  PLA_SurveyOutcome: {
    template: 'call.survey.outcome',
    kind: 'text',
    example: 'Sale',
    says: "What the call was, in the account's own words: Sale, Enquiry, Followup, Complaint.",
  },
  PLA_SurveySaleAmount: {
    template: 'call.survey.saleAmount',
    kind: 'number',
    example: '$1,250.00',
    says: 'What was sold for: 1250. Nothing, where no amount can be read.',
  },
  PLA_Converted: {
    template: 'call.converted',
    kind: 'text',
    example: 'Y',
    says: '`{{ PLA_Converted }}` is as sent, Y or R; `call.converted` is `online` (Y), `repeat` (R) or `offline` (blank).',
    read: ({ fields }) => fields['PLA_Converted']?.trim() || null,
  },
  PLA_dtmf: {
    template: 'call.ivr',
    kind: 'text',
    example: 'Sales',
    says: 'The choice in the menu, by its name.',
  },
  PLA_RecordingFile: {
    template: 'call.recording.url',
    kind: 'address',
    example: 'https://pla.delaconcorp.com/recordings/abc.wav',
    says: 'For a browser. `call.recording.playerUrl` is for a player: with `mode=direct`, as the article says.',
  },
};

const byLowerCase = new Map(pushFields.map((name) => [name.toLowerCase(), name]));
byLowerCase.set('pla_surveysalesamount', 'PLA_SurveySaleAmount'); // as Delacon's report spells it

/** The article's name for what somebody wrote, in any letter case. */
export function fieldNamed(written: string): FieldName | undefined {
  return byLowerCase.get(written.toLowerCase());
}
