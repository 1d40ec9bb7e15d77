using ML.Pruning.Build;

// Usage: ReferencePubliciser <output folder> <assembly.dll;...> <AssemblyName:Namespace.Type/Nested;...>
if (args.Length != 3)
{
    return Fail($"expected 3 arguments (output folder, assemblies, types), got {args.Length}.");
}

const StringSplitOptions Trimmed = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
var wanted = args[2].Split(';', Trimmed)
    .Select(entry => entry.Split(':', 2))
    .ToLookup(parts => parts[0], parts => parts[1]);

Directory.CreateDirectory(args[0]);
foreach (string source in args[1].Split(';', Trimmed))
{
    byte[] image = File.ReadAllBytes(source);
    string name = Path.GetFileNameWithoutExtension(source);
    var opener = new TypeOpener(image);
    foreach (string type in wanted[name])
    {
        if (!opener.TryOpen(type))
        {
            return Fail($"{source} has no type '{type}'. MlNetInternals.targets lists it; a newer ML.NET renamed it, "
                + "or the stand-in does not have it yet.");
        }
    }

    // Written beside the destination and moved over it, so that a build that reads it never sees half a file.
    string destination = Path.Combine(args[0], Path.GetFileName(source));
    string partial = $"{destination}.{Environment.ProcessId}.tmp";
    File.WriteAllBytes(partial, image);
    File.Move(partial, destination, overwrite: true);
}

return 0;

// MSBuild turns a line of this shape into a build error.
static int Fail(string message)
{
    Console.Error.WriteLine($"ReferencePubliciser : error MLP0001: {message}");
    return 1;
}
