import ArgumentParser
import CampaignHarness
import Glibc

@main
enum Main {
    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try SuiteCommand.parseAsRoot()
            try command.run()
        } catch let failure as Failure {
            printError("suite: \(failure.words)")
            exit(1)
        } catch {
            let isWanted = SuiteCommand.exitCode(for: error).isSuccess
            let words = SuiteCommand.fullMessage(for: error)
            if isWanted { print(words) } else { printError(words) }
            exit(isWanted ? 0 : 2)
        }
    }
}
