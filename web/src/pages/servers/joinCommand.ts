// The one line that lets a machine join: it fetches the script, the program and everything else from this server.
import type { JoinInfo } from '../../api/types';

/** Addresses that lead another machine to itself and not to this server. */
const OWN = /^https?:\/\/(localhost|127\.|\[::1\])/;

/** A word that means itself to a shell. */
const PLAIN = /^[\w\-./:@%+=,[\]]+$/;

export interface JoinCommand {
  text: string;
  /** The address works on the server's own machine only. */
  isOwn: boolean;
  /** The key would be readable on the way. */
  isPlain: boolean;
}

const word = (text: string) => (PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** A certificate that the server has made itself is known by the hash of its key, which stands in the command. */
export function joinCommand(origin: string, { server, pin }: Pick<JoinInfo, 'server' | 'pin'>, token: string): JoinCommand {
  const address = (server ?? origin).replace(/\/+$/, '');
  const isOwn = OWN.test(address);
  const isPlain = address.startsWith('http://') && !isOwn;
  const isPinned = pin && address.startsWith('https://');
  const curl = isPinned ? `curl -fsSLk --pinnedpubkey ${word(pin)}` : 'curl -fsSL';
  const options = [`--server ${word(address)}`, `--token ${word(token)}`, ...(isPinned ? [`--pin ${word(pin)}`] : []), ...(isPlain ? ['--allow-plain-http'] : [])];
  return { text: `${curl} ${word(`${address}/install.sh`)} | sudo sh -s -- ${options.join(' ')}`, isOwn, isPlain };
}
