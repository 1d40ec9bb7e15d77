using System.Diagnostics;
using System.Globalization;

namespace ML.Pruning.Benchmarks.Training;

/// <summary>A Python process that runs training steps in PyTorch, one when asked.</summary>
internal sealed class PyTorchProcess : IDisposable
{
    private static readonly string[] s_interpreters = ["/usr/bin/python3", "python3"];
    private readonly Process _process;

    /// <summary>Starts it; it uses as many threads as this process, by the same variables.</summary>
    /// <param name="interpreter">What <see cref="Find"/> found.</param>
    /// <param name="dense">Folder of the dense model.</param>
    /// <param name="pruned">Folder of the pruned model.</param>
    /// <param name="tokens">File of token ids, int64 [batches, batch, length].</param>
    /// <param name="batch">Sequences in a batch.</param>
    /// <param name="length">Tokens in a sequence.</param>
    public PyTorchProcess(string interpreter, string dense, string pruned, string tokens, int batch, int length)
    {
        _process = Start(interpreter, Path.Combine(AppContext.BaseDirectory, "Training", "training_step.py"), dense,
            pruned, tokens, batch.ToString(CultureInfo.InvariantCulture),
            length.ToString(CultureInfo.InvariantCulture));
        if (_process.StandardOutput.ReadLine() != "ready")
            throw new InvalidOperationException($"PyTorch does not start: {_process.StandardError.ReadToEnd()}");
    }

    /// <summary>A Python that has PyTorch, or null.</summary>
    public static string? Find()
    {
        foreach (string interpreter in s_interpreters.Where(i => !Path.IsPathRooted(i) || File.Exists(i)))
        {
            using Process process = Start(interpreter, "-c", "import torch");
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode == 0) return interpreter;
        }

        return null;
    }

    /// <summary>Runs a step.</summary>
    /// <param name="kind">full, lora or masked.</param>
    /// <param name="index">The batch.</param>
    /// <returns>The loss before the update, and the time.</returns>
    public (double Loss, double Milliseconds) Step(string kind, int index)
    {
        _process.StandardInput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kind} {index}"));
        string line = _process.StandardOutput.ReadLine()
            ?? throw new InvalidOperationException($"PyTorch failed: {_process.StandardError.ReadToEnd()}");
        double[] numbers = [.. line.Split(' ').Select(n => double.Parse(n, CultureInfo.InvariantCulture))];
        return (numbers[0], numbers[1]);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static Process Start(string interpreter, params string[] arguments)
    {
        var start = new ProcessStartInfo(interpreter)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }
}
