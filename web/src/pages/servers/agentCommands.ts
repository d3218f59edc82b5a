// What is typed on a machine that shall measure itself and send to this server.

/** Addresses that lead another machine to itself and not to this server. */
const OWN = /^(localhost|127\.|\[::1\])/;

export interface AgentCommands {
  text: string;
  /** The address works on the server's own machine only. */
  isOwn: boolean;
  /** The token would be readable on the way. */
  isPlain: boolean;
}

export function agentCommands({ protocol, host }: Pick<Location, 'protocol' | 'host'>, token: string): AgentCommands {
  const isOwn = OWN.test(host);
  const isPlain = protocol === 'http:' && !isOwn;
  const lines = [
    'sudo install -d -m 700 /etc/yunhai',
    `echo '${token}' | sudo install -m 600 /dev/stdin /etc/yunhai/agent-token`,
    `sudo yunhai agent --server ${protocol}//${host} --token-file /etc/yunhai/agent-token${isPlain ? ' --allow-plain-http' : ''}`,
  ];
  return { text: lines.join('\n'), isOwn, isPlain };
}
