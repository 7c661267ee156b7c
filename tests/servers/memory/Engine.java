import io.camunda.zeebe.gateway.protocol.GatewayGrpc;
import io.camunda.zeebe.gateway.protocol.GatewayOuterClass.*;
import io.camunda.zeebe.process.test.api.ZeebeTestEngine;
import io.camunda.zeebe.process.test.engine.EngineFactory;
import io.grpc.*;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.*;
import java.io.*;
import java.net.*;
import java.time.Duration;
import java.util.concurrent.*;

/**
 * In-memory Zeebe engine on loopback: java -cp ... Engine PORT. End of stdin stops it.
 * Commands on stdin, each answered with a line OK or ERR: time MS, idle MS, records [x].
 */
public class Engine {
  static final ScheduledExecutorService TIMER = Executors.newScheduledThreadPool(1, r -> { var t = new Thread(r); t.setDaemon(true); return t; });
  static final int STEP_MS = Integer.getInteger("poll", 20);

  /** The engine calls ServerBuilder.forPort(port).addService(gateway): this provider makes that loopback and adds long polling. */
  public static class Loopback extends ServerProvider {
    protected boolean isAvailable() { return true; }
    protected int priority() { return 9; }
    protected ServerBuilder<?> builderForPort(int port) {
      var b = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
          .maxInboundMessageSize(4 << 20).permitKeepAliveTime(10, TimeUnit.SECONDS).permitKeepAliveWithoutCalls(true);
      return new Wrap(b);
    }
  }
  static class Wrap extends ForwardingServerBuilder<Wrap> {
    final ServerBuilder<?> b;
    Wrap(ServerBuilder<?> b) { this.b = b; }
    protected ServerBuilder<?> delegate() { return b; }
    public Wrap addService(BindableService s) {
      if (!(s instanceof GatewayGrpc.AsyncService g)) { b.addService(s); return this; }
      var def = s.bindService();
      var out = ServerServiceDefinition.builder(def.getServiceDescriptor());
      for (ServerMethodDefinition<?, ?> m : def.getMethods()) {
        ServerMethodDefinition<?, ?> x = m.getMethodDescriptor() == (Object) GatewayGrpc.getActivateJobsMethod() ? longPoll(g) : m;
        out.addMethod(x);
      }
      b.addService(out.build());
      return this;
    }
  }
  static ServerMethodDefinition<?, ?> longPoll(GatewayGrpc.AsyncService g) {
    return ServerMethodDefinition.create(GatewayGrpc.getActivateJobsMethod(), ServerCalls.asyncServerStreamingCall((ActivateJobsRequest r, StreamObserver<ActivateJobsResponse> o) -> {
      long wait = r.getRequestTimeout() == 0 ? 10_000 : r.getRequestTimeout();
      poll(g, r, (ServerCallStreamObserver<ActivateJobsResponse>) o, System.nanoTime() + wait * 1_000_000);
    }));
  }
  static void poll(GatewayGrpc.AsyncService g, ActivateJobsRequest r, ServerCallStreamObserver<ActivateJobsResponse> o, long until) {
    if (o.isCancelled()) return;
    g.activateJobs(r, new StreamObserver<>() {
      boolean any;
      public void onNext(ActivateJobsResponse x) { if (x.getJobsCount() > 0) { any = true; o.onNext(x); } }
      public void onError(Throwable t) { o.onError(t); }
      public void onCompleted() {
        if (any || System.nanoTime() >= until) o.onCompleted();
        else TIMER.schedule(() -> poll(g, r, o, until), STEP_MS, TimeUnit.MILLISECONDS);
      }
    });
  }

  public static void main(String[] a) throws Exception {
    long t0 = System.nanoTime();
    ServerRegistry.getDefaultRegistry().register(new Loopback());
    ZeebeTestEngine e = EngineFactory.create(Integer.parseInt(a[0]));
    e.start();
    PrintStream out = System.out;
    out.println("READY " + a[0] + " " + (System.nanoTime() - t0) / 1_000_000); out.flush();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = in.readLine()) != null; ) {
      String[] w = line.trim().split(" ");
      try {
        switch (w[0]) {
          case "": break;
          case "time": e.increaseTime(Duration.ofMillis(Long.parseLong(w[1]))); out.println("OK"); break;
          case "idle": e.waitForIdleState(Duration.ofMillis(Long.parseLong(w[1]))); out.println("OK"); break;
          case "records": { int n = 0; for (var r : e.getRecordStreamSource().getRecords()) { if (w.length > 1) out.println(r.toJson()); n++; } out.println("OK " + n); break; }
          default: out.println("ERR unknown " + w[0]);
        }
      } catch (Exception x) { out.println("ERR " + x); }
      out.flush();
    }
    try { e.stop(); } finally { System.exit(0); }
  }
}
