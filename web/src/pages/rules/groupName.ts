// The name of a group as it stands in the file, which is the only place where it is kept.

const NAME = /^([ \t]*-[ \t]+name:[ \t]*)("[^"]*"|'[^']*'|[^#\n]*?)([ \t]*(?:#.*)?)$/m;

/** The name of the first group in a rule file; empty where there is none. */
export function groupNameIn(source: string): string {
  return (NAME.exec(source)?.[2] ?? '').replace(/^(["'])(.*)\1$/, '$2').trim();
}

/** The file with another name for its first group. */
export function renameGroup(source: string, name: string): string {
  const written = /^[\w.-]*$/.test(name) ? name : JSON.stringify(name);
  return source.replace(NAME, (_line, before: string, _name, after: string) => before + written + after);
}
