using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tool;

/// <summary>Turns errors into one line on stderr and an exit code.</summary>
internal static class Failure
{
    /// <summary>Exit code for input that cannot be used.</summary>
    public const int BadInput = 2;

    /// <summary>Exit code for work that failed.</summary>
    public const int Failed = 1;

    /// <summary>Runs a command beside the thread that watches for Ctrl-C, and reports its errors.</summary>
    public static Task<int> GuardAsync(Action run) => Task.Run(() => Guard(run));

    /// <summary>Runs a command and reports its errors.</summary>
    public static int Guard(Action run)
    {
        try
        {
            run();
            return 0;
        }
        catch (StoppedException e)
        {
            Report(e.Message);
            return Failed;
        }
        catch (OperationCanceledException)
        {
            Report("Stopped; nothing was written.");
            return Failed;
        }
        catch (Exception e) when (IsBadInput(e))
        {
            Report(e is ArgumentException ? WithoutParameterName(e.Message) : e.Message);
            return BadInput;
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException)
        {
            // TorchSharp's static constructor loads libtorch, and its message has a page of places that it looked at.
            Report("A native library does not load (docs/troubleshooting.md names the causes): "
                + e.GetBaseException().Message.Split('\n')[0].Trim());
            return Failed;
        }
        catch (Exception e) when (
            e is IOException or TrainingException or OutOfMemoryException or InvalidOperationException
            or System.Runtime.InteropServices.ExternalException)
        {
            Report(e.Message);
            return Failed;
        }
    }

    /// <summary>Prints one line.</summary>
    public static void Report(string message) => Console.Error.WriteLine("mlprune: "
        + string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries)));

    private static bool IsBadInput(Exception e) => e is UserErrorException or ArgumentException
        or CheckpointFormatException or ModelFormatException or TokenizerFormatException or PruningException
        or FormatException or InvalidDataException or FileNotFoundException or DirectoryNotFoundException
        or UnauthorizedAccessException or NotSupportedException;

    private static string WithoutParameterName(string message)
    {
        int suffix = message.LastIndexOf(" (Parameter '", StringComparison.Ordinal);
        return suffix < 0 ? message : message[..suffix];
    }
}
