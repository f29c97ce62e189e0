/** The keys of our own, by object: what makes a second write of the same call or caller find the first. */
export const ownFields = {
  Task: 'Delacon_Call_Id__c',
  Lead: 'Delacon_Caller__c',
  Contact: 'Delacon_Caller__c',
  Opportunity: 'Delacon_Call_Id__c',
} as const;

/** The key of a Task that is a follow-up: the call that it is of. Another field, so that the first counts calls alone. */
export const followUpKey = 'Delacon_Follow_Up__c';

/** As an Account shows the key of the Contact that is one with it. */
export const personAccountKey = 'Delacon_Caller__pc';

/** How a person's first and latest call came about, by the parts of a touch. */
export const attributionFields = {
  first: fieldsOf('First'),
  last: fieldsOf('Last'),
} as const;

function fieldsOf(which: 'First' | 'Last') {
  return {
    at: `Delacon_${which}_Call__c`,
    source: `Delacon_${which}_Source__c`,
    keywords: `Delacon_${which}_Keywords__c`,
    campaign: `Delacon_${which}_Campaign__c`,
    landingPage: `Delacon_${which}_Landing_Page__c`,
    gclid: `Delacon_${which}_GCLID__c`,
  };
}

export const allOwnNames: ReadonlySet<string> = new Set<string>([
  ...Object.values(ownFields),
  followUpKey,
  personAccountKey,
  ...Object.values(attributionFields).flatMap((fields) => Object.values(fields)),
]);

/** Whether setup makes it. */
export function isOwn(field: string): boolean {
  return allOwnNames.has(field);
}

/** Keys are written whole or not at all: half a key would be the key of something else. */
export function isKey(field: string): boolean {
  return (
    allOwnNames.has(field) &&
    (Object.values<string>(ownFields).includes(field) || field === followUpKey || field === personAccountKey)
  );
}

/** Of a Task's or an Opportunity's Description, in characters. */
export const longestDescription = 32_000;

export const permissionSet = { Name: 'Delacon_Bridge', Label: 'Delacon Bridge' } as const;
