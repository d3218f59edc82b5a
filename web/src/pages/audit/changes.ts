/** A field that an entry tells of; what is not there is `undefined`. */
export interface FieldChange {
  field: string;
  before?: string;
  after?: string;
  changed: boolean;
}

/** Before and after, field by field in the order in which they come, the changed ones first. */
export function fieldChanges(before: unknown, after: unknown): FieldChange[] {
  const [old, now] = [flatten(before), flatten(after)];
  const compared = known(before) && known(after);
  const all = [...new Set([...now.keys(), ...old.keys()])].map((field) => {
    const change = { field, before: old.get(field), after: now.get(field) };
    return { ...change, changed: compared && change.before !== change.after };
  });
  return [...all.filter(({ changed }) => changed), ...all.filter(({ changed }) => !changed)];
}

export const known = (value: unknown) => value !== null && value !== undefined;

function flatten(value: unknown, path = '', fields = new Map<string, string>()): Map<string, string> {
  if (!known(value)) return fields;
  if (typeof value === 'object') {
    for (const [name, part] of Object.entries(value as object)) {
      const below = path ? `${path}.${name}` : name;
      // A field that was emptied is shown as empty, not as absent.
      if (part === null) fields.set(below, '');
      else flatten(part, below, fields);
    }
  } else {
    fields.set(path || 'value', String(value));
  }
  return fields;
}
