import { command } from '#cli/command.ts';

export default command({
  usage: '[SERVER]',
  summary: 'Log out from a registry.\nIf no server is specified, the default is Docker Hub.',
  store: false,
  flags: {},
  run: async (context, [server]) => {
    const { logout, serverKey } = await import('#engine/login.ts');
    context.out.line(`Removing login credentials for ${serverKey(server)}`);
    await logout(server);
  },
});
