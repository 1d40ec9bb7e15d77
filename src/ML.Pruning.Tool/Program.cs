using ML.Pruning.Tool;

return await CommandLine.RunAsync(args);
