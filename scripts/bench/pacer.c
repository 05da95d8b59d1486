/* The least that even pacing costs on a machine: POSTs of one prepared request at a constant rate, from
 * one thread. It sleeps in epoll until shortly before an absolute deadline, spins, writes, and reads
 * answers in between; it parses nothing and records nothing but its lag.
 *
 *     pacer PORT RATE SECONDS SPIN_US < BODY
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 4096, SECOND = 1000000000 };

static void need(int ok, const char *what) {
    if (!ok) {
        perror(what);
        exit(2);
    }
}

static long read_clock(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static long now(void) { return read_clock(CLOCK_MONOTONIC); }

static int ascending(const void *a, const void *b) {
    return (*(const long *)a > *(const long *)b) - (*(const long *)a < *(const long *)b);
}

static int dial(int port, int epoll) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    need(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof to), "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    need(!epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    return fd;
}

int main(int argc, char **argv) {
    need(argc == 5, "pacer PORT RATE SECONDS SPIN_US");
    long rate = atol(argv[2]), count = rate * atol(argv[3]), spin = atol(argv[4]) * 1000;
    char body[2048], request[4096], answer[4096];
    int length = fread(body, 1, sizeof body, stdin);
    int size = snprintf(request, sizeof request,
                        "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\n"
                        "content-type: application/cloudevents+json\r\ncontent-length: %d\r\n\r\n%.*s",
                        length, length, body);
    int idle[CONNECTIONS], idles = 0, open = 0, epoll = epoll_create1(0);
    long *lag = calloc(count, sizeof *lag), sent = 0, answered = 0;
    prctl(PR_SET_TIMERSLACK, 1);
    long begin = now() + SECOND / 50;
    while (answered < count) {
        long due = begin + sent * SECOND / rate, left = due - now();
        if (sent < count && left <= 0) {
            need(idles > 0 || open < CONNECTIONS, "a free connection");
            int fd = idles > 0 ? idle[--idles] : (open++, dial(atoi(argv[1]), epoll));
            lag[sent++] = now() - due;
            need(write(fd, request, size) == size, "write");
            continue;
        }
        struct timespec wait = {.tv_sec = sent == count};
        if (sent < count && left > spin) wait.tv_nsec = left - spin;
        struct epoll_event ready[64];
        int n = epoll_pwait2(epoll, ready, 64, &wait, NULL);
        for (int i = 0; i < n; i++, answered++) {
            need(read(ready[i].data.fd, answer, sizeof answer) > 0, "read");
            idle[idles++] = ready[i].data.fd;
        }
    }
    qsort(lag, count, sizeof *lag, ascending);
    printf("%.2f %.1f %.1f\n", read_clock(CLOCK_PROCESS_CPUTIME_ID) / 1e3 / count,
           lag[count / 2] / 1e3, lag[count * 99 / 100] / 1e3);
    return 0;
}
