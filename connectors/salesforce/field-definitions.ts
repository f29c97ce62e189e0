import type { Connection } from 'jsforce';
import type { Asked, Requests } from '../../src/crm/index.ts';
import {
  type Circumstances,
  type Failure,
  failureOfRow,
  RequestFailed,
  type SalesforceError,
  salesforce,
} from './failures.ts';
import type { SalesforceTransport } from './transport.ts';

/** Of one call of the Metadata API. */
const mostDefinitions = 10;

export interface CustomFieldDefinition {
  fullName: string;
  label: string;
  type: string;
  length?: number;
  externalId?: boolean;
  unique?: boolean;
  caseSensitive?: boolean;
  /** Of a number: its digits, and how many of them stand behind the point. */
  precision?: number;
  scale?: number;
  /** A checkbox must have one. */
  defaultValue?: string;
  description: string;
}

/** What the Metadata API says of a definition. */
interface SaveResult {
  success?: boolean;
  errors?: SalesforceError[];
}

/** Definitions of custom fields, by the Metadata API. */
export class FieldDefinitions {
  readonly #transport: SalesforceTransport;
  readonly #requests: Requests<Failure, Circumstances>;

  constructor(transport: SalesforceTransport, requests: Requests<Failure, Circumstances>) {
    this.#transport = transport;
    this.#requests = requests;
  }

  /** Whether our user may see them or not; undefined for those that are not there. */
  async read(
    fullNames: string[],
    signal: AbortSignal,
  ): Promise<(Partial<CustomFieldDefinition> | undefined)[]> {
    const found: (Partial<CustomFieldDefinition> | undefined)[] = [];
    for (let start = 0; start < fullNames.length; start += mostDefinitions) {
      const part = fullNames.slice(start, start + mostDefinitions);
      const records = await this.#soap('readMetadata', signal, (conn) =>
        conn.metadata.read('CustomField', part),
      );
      found.push(
        ...part.map((fullName) => {
          const record = records.find((one) => one.fullName === fullName);
          return record as Partial<CustomFieldDefinition> | undefined;
        }),
      );
    }
    return found;
  }

  /** @throws with Salesforce's words for the first that it does not make. */
  async create(definitions: CustomFieldDefinition[], signal: AbortSignal): Promise<void> {
    for (let start = 0; start < definitions.length; start += mostDefinitions)
      await this.#createPart(definitions.slice(start, start + mostDefinitions), signal);
  }

  async #createPart(definitions: CustomFieldDefinition[], signal: AbortSignal): Promise<void> {
    const results = await this.#soap('createMetadata', signal, (conn) =>
      conn.metadata.create('CustomField', definitions),
    );
    definitions.forEach(({ fullName }, place) => {
      const result = results[place] as SaveResult | undefined;
      if (result?.success) return;
      const errors = [result?.errors ?? []].flat();
      throw new RequestFailed(
        failureOfRow(errors, this.#requests.circumstances(`the making of ${fullName}`)),
      );
    });
  }

  async #soap<T>(request: string, signal: AbortSignal, call: (conn: Connection) => Promise<T>): Promise<T> {
    await this.#requests.token(request, signal);
    // Refusals, too, are the client's to read.
    const send = (asked: Omit<Asked, 'request'>) =>
      this.#requests.ask({ request, ...asked }, signal, () => true);
    try {
      return await this.#transport.soap(call, send);
    } catch (thrown) {
      if (thrown instanceof RequestFailed) throw thrown;
      const words = thrown instanceof Error ? thrown.message : String(thrown);
      const reason = salesforce.quote('', words, this.#requests.circumstances(request));
      throw new RequestFailed({ kind: 'rejected', reason }, thrown);
    }
  }
}
