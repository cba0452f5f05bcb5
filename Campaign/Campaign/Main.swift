import ArgumentParser
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

private func printError(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    // Nobody is left to be told if this fails.
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
