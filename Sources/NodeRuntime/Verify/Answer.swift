import EventLoop
import Verification

/// Something that is given once, and waited for by one; what comes after the first is dropped.
@LoopActor final class Answer<Value: Sendable> {
    private var result: Result<Value, VerifyProblem>?
    private var waiter: CheckedContinuation<Result<Value, VerifyProblem>, Never>?

    func give(_ result: Result<Value, VerifyProblem>) {
        guard self.result == nil else { return }
        self.result = result
        waiter?.resume(returning: result)
        waiter = nil
    }

    func value() async throws(VerifyProblem) -> Value {
        if let result { return try result.get() }
        let found = await withCheckedContinuation { waiter = $0 }
        return try found.get()
    }
}
