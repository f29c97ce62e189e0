import type { Fields } from '../../src/call/push.ts';

/** Ten kinds of calls, as Delacon pushes them. Monday, 2 November 2026, 1:05 pm in Sydney. */
export interface Sample {
  name: string;
  pushes: Fields[];
  /** The end never came. */
  lapsed?: boolean;
}

const mobile = (end: string): Fields => ({ PLA_Caller_Phone_Number: `+6149157015${end}` });

const start: Fields = {
  PLA_Number_Dialed: '1300975707',
  PLA_Dealer_Name: 'Acme Plumbing',
  PLA_Dealer_Category: 'Plumbing',
  PLA_Dealer_ID: '0298765432',
  PLA_CID: '123',
  PLA_CallStartTime: '00000001793585100000',
};

const paid: Fields = {
  PLA_Search_Engine_Used: 'google',
  PLA_Search_Type: 'paid',
  PLA_Keywords_Searched: 'blocked drain',
  PLA_URL: 'https://www.google.com/',
  PLA_Landing_Page: 'https://www.acme.example/drains?utm_campaign=spring&gclid=C152ddsa12213123132',
  PLA_Page_Called_From: 'https://www.acme.example/contact',
  PLA_SESSID: '0123456789abcdef0123456789abcdef',
  PLA_UAID: '123456.4567',
};

const answered: Fields = {
  PLA_CallResult: 'Answered',
  PLA_Duration: '225s',
  PLA_Answering_Point: '0298989898',
  PLA_VoicemailLeft: 'No',
};

const samples: Sample[] = [
  { name: 'Answered', pushes: [{ ...start, ...mobile('6'), ...paid }, answered] },
  {
    name: 'Missed',
    pushes: [
      { ...start, ...mobile('7') },
      {
        PLA_CallResult: 'Unanswered',
        PLA_Duration: '25s',
        PLA_Answering_Point: '0298989898',
        PLA_VoicemailLeft: 'No',
      },
    ],
  },
  {
    name: 'Voicemail',
    pushes: [
      { ...start, ...mobile('8') },
      {
        PLA_CallResult: 'Unanswered',
        PLA_Duration: '40s',
        PLA_VoicemailLeft: 'Yes',
        PLA_RecordingFile: ' https://pla.delaconcorp.com/rec?f=abc.wav',
      },
    ],
  },
  {
    name: 'Sale',
    pushes: [
      { ...start, ...mobile('9'), ...paid },
      {
        ...answered,
        PLA_SurveyOutcome: 'Sale',
        PLA_SurveySaleAmount: '$1,250.00',
        PLA_Converted: 'Y',
        PLA_dtmf: 'Sales',
        PLA_ExtraTracking: 'newsletter',
      },
    ],
  },
  {
    name: 'Complaint',
    pushes: [
      { ...start, PLA_Caller_Phone_Number: '+61491570110' },
      {
        ...answered,
        PLA_Duration: '3725s',
        PLA_SurveyOutcome: 'Complaint',
        PLA_SurveySaleAmount: '0',
        PLA_Converted: 'R',
      },
    ],
  },
  { name: 'Withheld', pushes: [{ ...start, PLA_Caller_Phone_Number: 'anonymous' }, answered] },
  {
    name: 'The end never came',
    pushes: [{ ...start, PLA_Caller_Phone_Number: '+61491570313' }],
    lapsed: true,
  },
  {
    name: 'From a mobile, while it rings',
    pushes: [
      {
        ...start,
        PLA_Caller_Phone_Number: '+61491570737',
        PLA_Search_Engine_Used: 'bing',
        PLA_Search_Type: 'free',
      },
    ],
  },
  {
    name: 'From a landline, busy',
    pushes: [
      {
        ...start,
        PLA_Caller_Phone_Number: '+61255501234',
        PLA_Exchange: 'Parramatta',
        PLA_City: 'Sydney',
        PLA_State: 'NSW',
      },
      { PLA_CallResult: 'Busy', PLA_Duration: '0s', PLA_VoicemailLeft: 'No' },
    ],
  },
  {
    name: 'Nothing can be read',
    pushes: [
      {
        ...start,
        PLA_Caller_Phone_Number: 'reception',
        PLA_Number_Dialed: 'the main line',
        PLA_Landing_Page: 'our page',
      },
      {
        PLA_CallResult: 'Transferred to the moon',
        PLA_Duration: 'about a minute',
        PLA_Answering_Point: '029898989',
        PLA_VoicemailLeft: 'perhaps',
        PLA_SurveySaleAmount: 'abc',
        PLA_Converted: 'N',
        PLA_RecordingFile: '/abc.wav',
      },
    ],
  },
];

/** Each with an id, in all its pushes. */
export const sampleCalls: readonly Sample[] = samples.map((sample, place) => ({
  ...sample,
  pushes: sample.pushes.map((push) => ({ PLA_Call_Id: String(place + 1), ...push })),
}));
