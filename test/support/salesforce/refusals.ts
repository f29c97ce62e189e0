/*
 * What Salesforce answers instead of doing as asked. Texts and shapes are those that its users have met; where none is
 * known, the code alone is certain.
 */

/** Of a whole request. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    super(JSON.stringify(body));
    this.status = status;
    this.body = body;
  }
}

/** Of one record: within a collection it stands beside the others, alone it refuses the request. */
export class RowRefusal extends Error {
  readonly statusCode: string;
  readonly fields: string[];
  /** What is told besides of a record that was sent alone. */
  readonly details: object;

  constructor(statusCode: string, message: string, fields: string[] = [], details: object = {}) {
    super(message);
    this.details = details;
    this.statusCode = statusCode;
    this.fields = fields;
  }

  get inCollection() {
    return { statusCode: this.statusCode, message: this.message, fields: this.fields };
  }

  get alone(): Refusal {
    return new Refusal(this.statusCode === 'NOT_FOUND' ? 404 : 400, [
      { ...this.details, message: this.message, errorCode: this.statusCode, fields: this.fields },
    ]);
  }
}

export function refused(status: number, errorCode: string, message: string): Refusal {
  return new Refusal(status, [{ message, errorCode }]);
}

export const notFound = () => refused(404, 'NOT_FOUND', 'The requested resource does not exist');

export const sessionExpired = () => refused(401, 'INVALID_SESSION_ID', 'Session expired or invalid');

export const dayUsedUp = () => refused(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.');

export const tooManyAtOnce = () =>
  refused(403, 'REQUEST_LIMIT_EXCEEDED', 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.');

export const lockedRow = () =>
  new RowRefusal('UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access to this record');

export const readOnlyRow = () =>
  new RowRefusal('INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id');

export const unknownColumn = (object: string, field: string) =>
  new RowRefusal('INVALID_FIELD', `No such column '${field}' on sobject of type ${object}`);

export const notWritable = (fields: string[]) =>
  new RowRefusal(
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    `Unable to create/update fields: ${fields.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
    fields,
  );
