// Command probe is a pod that tests ask about its surroundings: it serves one folder over HTTP, writes into it, and fetches
// URLs as its pod sees them. In the cluster's own tests it stands in for a product.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const (
	maxBody      = 1 << 20
	fetchTimeout = 5 * time.Second
)

func main() {
	listen := flag.String("listen", ":8080", "the address to serve")
	folder := flag.String("folder", "/data", "the folder that GET and PUT /files/NAME read and write")
	flag.Parse()

	http.HandleFunc("GET /files/{name}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(*folder, filepath.Base(r.PathValue("name"))))
	})
	http.HandleFunc("PUT /files/{name}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err == nil {
			err = os.WriteFile(filepath.Join(*folder, filepath.Base(r.PathValue("name"))), body, 0o600)
		}
		answer(w, "written", err)
	})
	http.HandleFunc("GET /fetch", func(w http.ResponseWriter, r *http.Request) {
		body, err := fetch(r.FormValue("url"))
		answer(w, body, err)
	})
	http.HandleFunc("GET /connect", func(w http.ResponseWriter, r *http.Request) {
		connection, err := net.DialTimeout("tcp", r.FormValue("address"), fetchTimeout)
		if err == nil {
			err = connection.Close()
		}
		answer(w, "connected", err)
	})
	http.HandleFunc("GET /name", func(w http.ResponseWriter, _ *http.Request) {
		name, err := os.Hostname()
		answer(w, name, err)
	})

	go stopWhenTold()
	log.Fatal(http.ListenAndServe(*listen, nil))
}

// stopWhenTold exits on SIGTERM: the first process of a container ignores a signal that it doesn't handle.
func stopWhenTold() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	<-signals
	os.Exit(0)
}

func fetch(url string) (string, error) {
	client := http.Client{Timeout: fetchTimeout}
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	return string(body), errors.Join(err, response.Body.Close())
}

func answer(w http.ResponseWriter, body string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	fmt.Fprint(w, body)
}
