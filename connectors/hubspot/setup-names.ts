/** The properties of our own, by object: what makes a second write of the same call or caller find the first. */
export const ownProperties = { calls: 'delacon_call_id', contacts: 'delacon_caller' } as const;

export const ownGroup = { name: 'delacon', label: 'Delacon' } as const;
