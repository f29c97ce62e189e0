import { randomUUID } from 'node:crypto';

/** What HubSpot answers instead of doing as asked. Texts and shapes are those that its users have met. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: Record<string, unknown>;

  constructor(status: number, body: { message: string; [key: string]: unknown }) {
    super(body.message);
    this.status = status;
    this.body = { status: 'error', correlationId: randomUUID(), ...body };
  }
}

export function invalid(message: string, more: Record<string, unknown> = {}): Refusal {
  return new Refusal(400, { message, category: 'VALIDATION_ERROR', ...more });
}

/** The form in which HubSpot complains of a property: JSON inside a sentence. */
export function invalidValue(property: string, code: string, message: string): Refusal {
  const told = [{ isValid: false, message, error: code, name: property, localizedErrorMessage: message }];
  return invalid(`Property values were not valid: ${JSON.stringify(told)}`, {
    errors: [{ message, code, context: { propertyName: [property] } }],
  });
}

export function unknownProperty(property: string): Refusal {
  return invalidValue(property, 'PROPERTY_DOESNT_EXIST', `Property "${property}" does not exist`);
}

/** Two forms are reported for the same refusal; a connector has to know both. */
export function conflictingValue(
  form: 'code' | 'text',
  property: string,
  value: string,
  holder: string,
  writer: string,
): Refusal {
  if (form === 'text') {
    return invalid(
      `Cannot set PropertyValueCoordinates{portalId=1, objectTypeId=0-48, propertyName=${property}, value=${value}} on ${writer}. ${holder} already has that value.`,
    );
  }
  const message = `${holder} already has that value.`;
  return invalid(
    `Property values were not valid: ${JSON.stringify([{ isValid: false, message, error: 'CONFLICTING_UNIQUE_VALUE', name: property }])}`,
  );
}

export function nonUniqueIdProperty(objectTypeId: string, property: string): Refusal {
  return invalid(
    `Unable to perform update/upsert by non-unique ${objectTypeId} property ${property} in portal ID 1`,
  );
}

export function invalidAssociation(): Refusal {
  return invalid('one or more associations are not valid');
}

export function notFound(message = 'resource not found'): Refusal {
  return new Refusal(404, { message, category: 'OBJECT_NOT_FOUND' });
}

export function missingScope(scope: string): Refusal {
  return new Refusal(403, {
    message:
      "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.",
    errors: [
      {
        message: 'One or more of the following scopes are required.',
        context: { requiredGranularScopes: [scope] },
      },
    ],
    links: { scopes: 'https://developers.hubspot.com/scopes' },
    category: 'MISSING_SCOPES',
  });
}

export function badToken(): Refusal {
  return new Refusal(401, {
    message: 'Authentication credentials not found.',
    category: 'INVALID_AUTHENTICATION',
  });
}

export function expiredToken(): Refusal {
  return new Refusal(401, {
    message: 'The OAuth token used to make this call expired 12 second(s) ago.',
    category: 'EXPIRED_AUTHENTICATION',
    context: { 'expire time': ['2026-11-02T03:15:00Z'] },
  });
}

/** 429 in the forms met: with a policy's name, and the older one with a category instead. */
export function overLimit(limit: 'rolling' | 'secondly' | 'secondlyOld' | 'daily'): Refusal {
  const policies = { rolling: 'TEN_SECONDLY_ROLLING', secondly: 'SECONDLY', daily: 'DAILY' };
  const names = {
    rolling: 'ten_secondly_rolling',
    secondly: 'secondly',
    secondlyOld: 'secondly',
    daily: 'daily',
  };
  const message = `You have reached your ${names[limit]} limit.`;
  if (limit === 'secondlyOld') return new Refusal(429, { message, category: 'RATE_LIMITS' });
  return new Refusal(429, { message, errorType: 'RATE_LIMIT', policyName: policies[limit] });
}
