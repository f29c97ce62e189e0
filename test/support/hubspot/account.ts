import { invalid } from './refusals.ts';

export interface Owner {
  id: string;
  email: string;
  firstName: string;
  lastName: string;
  type: 'PERSON';
  /** Missing for a user who was deactivated. */
  userId?: number;
  userIdIncludingInactive: number;
  archived: boolean;
  createdAt: string;
  updatedAt: string;
}

const since = '2026-01-05T08:00:00.000Z';

/** The users of the account who own records. */
export class Owners {
  readonly #owners: Owner[] = [];

  add(email: string, state: 'active' | 'deactivated' | 'removed' = 'active'): string {
    const number = 4_001 + this.#owners.length;
    this.#owners.push({
      id: String(number),
      email,
      firstName: 'A',
      lastName: 'User',
      type: 'PERSON',
      ...(state === 'active' ? { userId: number + 5_000 } : {}),
      userIdIncludingInactive: number + 5_000,
      archived: state === 'removed',
      createdAt: since,
      updatedAt: since,
    });
    return String(number);
  }

  deactivate(id: string): void {
    const owner = this.#owners.find((one) => one.id === id);
    if (owner) delete owner.userId;
  }

  /** Whether records may be given to them. */
  isActive(id: string): boolean {
    return this.#owners.some((owner) => owner.id === id && !owner.archived && owner.userId !== undefined);
  }

  page(query: URLSearchParams) {
    const limit = Number(query.get('limit') ?? 100);
    if (!(limit >= 1 && limit <= 500)) throw invalid('limit must be between 1 and 500');
    const start = Number(query.get('after') ?? 0);
    const email = query.get('email')?.toLowerCase();
    const isArchived = query.get('archived') === 'true';
    const found = this.#owners.filter(
      (owner) =>
        owner.archived === isArchived && (email === undefined || owner.email.toLowerCase() === email),
    );
    const end = start + limit;
    return {
      results: found.slice(start, end),
      ...(end < found.length ? { paging: { next: { after: String(end), link: '' } } } : {}),
    };
  }
}

interface Stage {
  id: string;
  label: string;
}

export interface Pipeline {
  id: string;
  label: string;
  stages: Stage[];
}

/** The pipelines of deals. Every account begins with the first. */
export class Pipelines {
  readonly #pipelines: Pipeline[] = [
    {
      id: 'default',
      label: 'Sales Pipeline',
      stages: [
        { id: 'appointmentscheduled', label: 'Appointment Scheduled' },
        { id: 'contractsent', label: 'Contract Sent' },
        { id: 'closedwon', label: 'Closed Won' },
        { id: 'closedlost', label: 'Closed Lost' },
      ],
    },
    {
      id: '8675309',
      label: 'Trade',
      stages: [
        { id: '975310', label: 'Quoted' },
        { id: '975311', label: 'Sold' },
      ],
    },
  ];

  all(): readonly Pipeline[] {
    return this.#pipelines;
  }

  removeStage(id: string): void {
    for (const pipeline of this.#pipelines) {
      pipeline.stages = pipeline.stages.filter((stage) => stage.id !== id);
    }
  }

  show() {
    const dates = { createdAt: since, updatedAt: since, archived: false };
    return this.#pipelines.map((pipeline, displayOrder) => ({
      ...pipeline,
      ...dates,
      displayOrder,
      stages: pipeline.stages.map((stage, place) => ({
        ...stage,
        ...dates,
        displayOrder: place,
        metadata: { isClosed: 'false' },
      })),
    }));
  }
}
