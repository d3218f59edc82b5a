/** The servers of clouds, some of them only. */
export const cloudServersLink = (filter: { account: string } | { tag: string } | { region: string }): string =>
  `/clouds?${new URLSearchParams([['tab', 'servers'], ...Object.entries(filter).map(([name, value]): [string, string] => [`s_${name}`, value])])}`;
