import ArgumentParser
import CampaignHarness
import Glibc

@main
enum Main {
    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try CampaignCommand.parseAsRoot()
            try command.run()
        } catch let failure as Failure {
            printError("campaign: \(failure.words)")
            exit(1)
        } catch {
            end(with: error)
        }
    }

    private static func end(with error: any Error) -> Never {
        let isWanted = CampaignCommand.exitCode(for: error).isSuccess
        let words = CampaignCommand.fullMessage(for: error)
        if isWanted { print(words) } else { printError(words) }
        exit(isWanted ? 0 : 2)
    }
}
