using Moat.Cli;

return await App.RunAsync(args).ConfigureAwait(false);
