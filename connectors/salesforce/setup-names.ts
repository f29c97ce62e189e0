/** The keys of our own, by object: what makes a second write of the same call or caller find the first. */
export const ownFields = {
  Task: 'Delacon_Call_Id__c',
  Lead: 'Delacon_Caller__c',
  Contact: 'Delacon_Caller__c',
} as const;

export const permissionSet = { Name: 'Delacon_Bridge', Label: 'Delacon Bridge' } as const;
