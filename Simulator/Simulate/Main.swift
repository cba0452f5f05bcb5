import Glibc
import Simulation

/// `simulate`: whole clusters in one process, a seed a run, until a check fails.
@main enum Main {
    static func main() {
        do {
            let command = try SimulateCommand(Array(CommandLine.arguments.dropFirst()))
            exit(command.run() ? 0 : 1)
        } catch {
            print(error.words, SimulateCommand.usage, separator: "\n")
            exit(2)
        }
    }
}
