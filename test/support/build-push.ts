import { type CallState, foldFields, kindOf, readCall, type Urgency } from '../../src/call/call.ts';
import { type Fields, parsePush } from '../../src/call/push.ts';
import { withheldWords } from '../../src/config/withheld-words.ts';
import type { Delivery, Records } from '../../src/connector/index.ts';

/** The article's start sample, as printed there. */
export const startSample = `{
"PLA_Call_Id":"1122334",
"PLA_Caller_Phone_Number":"+61444444444",
"PLA_Exchange":"abc",
"PLA_City":"abc",
"PLA_State":"abc",
"PLA_Number_Dialed":"0288889999",
"PLA_Dealer_ID":"abc",
"PLA_Dealer_Name":"abc",
"PLA_Dealer_Category":"abc",
"PLA_Search_Engine_Used":"abc",
"PLA_Search_Type":"abc",
"PLA_Keywords_Searched":"abc",
"PLA_URL":"abc",
"PLA_CID":"123",
"PLA_SESSID":"Cuei212417iiyskskiidfsikks",
"PLA_UAID":"123456.4567",
"PLA_CallStartTime":"00000001556755937003",
"PLA_Landing_Page":"https://www.delaconconcorp.com.au?gclid=C152ddsa12213123132",
"PLA_Page_Called_From":"https://www.delaconcorp.com/contact_us"
}`;

/** The article's end sample, as printed there: a comma before the brace, a blank before the URL. */
export const endSample = `{
"PLA_Call_Id":"1122334",
"PLA_CID":"123",
"PLA_Answering_Point":"029898989",
"PLA_CallResult":"Answered",
"PLA_Duration":"50s",
"PLA_VoicemailLeft":"Yes",
"PLA_SurveyOutcome":"Sale",
"PLA_SurveySaleAmount":"abc",
"PLA_Converted":"Y",
"PLA_dtmf":"1234",
"PLA_RecordingFile":" https://pla.delaconcorp.com......abc.wav",
}`;

/** A start push for a call, the article's sample but for what is given. */
export function startPush(callId: string, fields: Fields = {}): Fields {
  return { ...parsePush(startSample).fields, PLA_Call_Id: callId, ...fields };
}

/** An end push for a call, with values that can all be read. */
export function endPush(callId: string, fields: Fields = {}): Fields {
  return {
    ...parsePush(endSample).fields,
    PLA_Call_Id: callId,
    PLA_Answering_Point: '0298989898',
    PLA_VoicemailLeft: 'No',
    PLA_SurveySaleAmount: '$1,250.00',
    PLA_RecordingFile: ` https://pla.delaconcorp.com/recordings/${callId}.wav`,
    ...fields,
  };
}

/** What a connector gets for a call, from its pushes in the order of receipt. */
export function deliveryOf(
  pushes: Fields[],
  more: { records?: Records; lapsed?: boolean; attempt?: number; urgency?: Urgency } = {},
): Delivery {
  const received = new Date('2026-11-02T03:15:00.000Z');
  let fields: Fields | undefined;
  let endReceivedAt: Date | null = null;
  for (const push of pushes) {
    fields = foldFields(fields, push);
    if (kindOf(fields) === 'end' || kindOf(fields) === 'both') endReceivedAt ??= received;
  }
  const callId = (fields?.['PLA_Call_Id'] ?? '').trim();
  const state: CallState = {
    source: 'acme',
    callId,
    fields: fields ?? {},
    firstReceivedAt: received,
    endReceivedAt,
    lapsed: more.lapsed ?? false,
  };
  const reading = {
    region: 'AU' as const,
    timezone: 'Australia/Sydney',
    withheldWords,
    missed: ['unanswered', 'busy', 'voicemail'],
    emailOnly: [],
  };
  return {
    key: callId,
    call: readCall(state, reading),
    source: { name: 'acme', region: 'AU', timezone: 'Australia/Sydney' },
    revision: pushes.length + (more.lapsed ? 1 : 0),
    attempt: more.attempt ?? 1,
    urgency: more.urgency ?? 'live',
    records: more.records ?? {},
  };
}
