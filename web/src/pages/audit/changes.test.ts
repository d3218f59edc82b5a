import { describe, expect, it } from 'vitest';
import { fieldChanges } from './changes';

describe('the change of an entry', () => {
  it('shows what was changed first', () => {
    const changes = fieldChanges({ name: 'otto', role: 'viewer', email: null }, { name: 'otto', role: 'operator', email: 'o@example.com' });
    expect(changes).toEqual([
      { field: 'role', before: 'viewer', after: 'operator', changed: true },
      { field: 'email', before: '', after: 'o@example.com', changed: true },
      { field: 'name', before: 'otto', after: 'otto', changed: false },
    ]);
  });

  it('goes into the depth, and marks nothing where there is only one side', () => {
    expect(fieldChanges(undefined, { matchers: [{ name: 'a' }], enabled: true })).toEqual([
      { field: 'matchers.0.name', before: undefined, after: 'a', changed: false },
      { field: 'enabled', before: undefined, after: 'true', changed: false },
    ]);
    expect(fieldChanges(null, null)).toEqual([]);
  });
});
