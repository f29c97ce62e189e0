import * as z from 'zod';
import { callSelection } from './calls.ts';
import { change } from './changes.ts';
import { type Endpoint, endpoints } from './endpoints.ts';

type Json = Record<string, unknown>;

const refusals: Record<string, string> = {
  400: 'What was sent is wrong.',
  401: 'No token was sent, or a wrong one.',
  403: 'The role may not do this.',
  404: 'There is no such thing.',
  409: 'It cannot be done as things are.',
  500: 'An unexpected error.',
  503: 'Lists and counts are not whole yet. Retry-After says when to ask again.',
};
const problem = {
  description: 'What is wrong, and what to do.',
  content: {
    'application/json': {
      schema: {
        type: 'object',
        properties: { error: { type: 'string' } },
        required: ['error'],
        additionalProperties: false,
      },
    },
  },
};

/** The OpenAPI document, made of the schemas that the API itself goes by. */
export function openApi(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const endpoint of endpoints) {
    const path = `/api${endpoint.path}`;
    paths[path] = { ...paths[path], [endpoint.method]: operationOf(endpoint) };
  }
  paths['/api/calls.csv'] = {
    get: {
      operationId: 'exportCalls',
      summary: 'Every call that matches, as CSV.',
      parameters: queryOf(callSelection),
      responses: answers({ 'text/csv': { schema: { type: 'string' } } }),
    },
  };
  paths['/api/changes'] = {
    get: {
      operationId: 'changes',
      summary: 'Server-sent events: what has changed, within a second. The data of an event is JSON.',
      parameters: [],
      responses: answers({ 'text/event-stream': { schema: schemaOf(change, 'output') } }),
    },
  };
  paths['/api/openapi.json'] = {
    get: {
      operationId: 'openApi',
      summary: 'This document.',
      parameters: [],
      responses: answers({ 'application/json': { schema: { type: 'object' } } }),
    },
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'delacon-bridge',
      version,
      description:
        'What the operator page shows and does. Instants are UTC; numbers are masked for a masked reader.',
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: '`operator.token` or, for reading, `operator.readOnlyToken`.',
        },
      },
    },
  };
}

function operationOf({ method, id, summary, path, query, body, answer }: Endpoint): Json {
  return {
    operationId: id,
    summary,
    parameters: [
      ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      })),
      ...queryOf(query),
    ],
    ...(method === 'post'
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(body, 'input') } },
          },
        }
      : {}),
    responses: answers({ 'application/json': { schema: schemaOf(answer, 'output') } }),
  };
}

function answers(content: Json): Json {
  const failures = Object.entries(refusals).map(([status, description]) => [
    status,
    { ...problem, description },
  ]);
  return { 200: { description: 'Done.', content }, ...Object.fromEntries(failures) };
}

function queryOf(query: z.ZodType): Json[] {
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

/** OpenAPI 3.1 takes JSON Schema as it is, but for the mark of its edition. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return json;
}
