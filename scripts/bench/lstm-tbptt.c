// The native limit for one LSTM learning online, one core, float32: 8 inputs, H hidden, 1 linear output, squared error.
// Per event: one forward step; every 16 events: backward through the last 16 and one Adam step.
// Build:  gcc -O3 -march=native -ffast-math lstm-tbptt.c -o lstm-tbptt -lm     (or -msse4.1 for the 128-bit limit)
// Run:    taskset -c 0 ./lstm-tbptt HIDDEN EVENTS
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
#include <string.h>
#include <time.h>
#define T 16
static int H,I,N; // N=I+H
static float *W,*b,*gW,*gb,*mW,*vW,*mb,*vb,*V,*gV,*mV,*vV; 
static float *X,*Z,*C,*Hs,*TC,*dZ; // X: T x N ; Z: T x 4H gates; C (T+1)xH
static float c0,gc0;
static inline float sig(float x){return 1.f/(1.f+expf(-x));}
static void *al(size_t n){void*p=aligned_alloc(64,((n*4+63)/64)*64);memset(p,0,((n*4+63)/64)*64);return p;}
static float fwd(int t,const float*x){ // W stored N x 4H (transposed)
  float*xr=X+t*N; memcpy(xr,x,I*4); memcpy(xr+I,Hs+t*H,H*4);
  float*z=Z+t*4*H; 
  for(int i=0;i<4*H;i++)z[i]=b[i];
  for(int j=0;j<N;j++){float s=xr[j];const float*w=W+j*4*H;for(int i=0;i<4*H;i++)z[i]+=s*w[i];}
  float*c=C+t*H,*cn=C+(t+1)*H,*h=Hs+(t+1)*H,*tc=TC+t*H;
  for(int i=0;i<3*H;i++)z[i]=sig(z[i]);
  for(int i=3*H;i<4*H;i++)z[i]=tanhf(z[i]);
  for(int i=0;i<H;i++){cn[i]=z[i]*c[i]+z[H+i]*z[3*H+i];tc[i]=tanhf(cn[i]);h[i]=z[2*H+i]*tc[i];}
  float y=c0;for(int i=0;i<H;i++)y+=V[i]*h[i];return y;
}
static void bwd(const float*dy){
  float dh[H],dc[H];memset(dh,0,sizeof dh);memset(dc,0,sizeof dc);
  for(int t=T-1;t>=0;t--){
    float*z=Z+t*4*H,*dz=dZ+t*4*H,*h=Hs+(t+1)*H,*tc=TC+t*H,*c=C+t*H;
    for(int i=0;i<H;i++){float d=dh[i]+dy[t]*V[i];gV[i]+=dy[t]*h[i];
      float f=z[i],g=z[H+i],q=z[2*H+i],a=z[3*H+i];
      float dcc=dc[i]+d*q*(1-tc[i]*tc[i]);
      dz[2*H+i]=d*tc[i]*q*(1-q);dz[i]=dcc*c[i]*f*(1-f);dz[H+i]=dcc*a*g*(1-g);dz[3*H+i]=dcc*g*(1-a*a);dc[i]=dcc*f;}
    gc0+=dy[t];
    for(int j=0;j<H;j++){const float*w=W+(I+j)*4*H;float s=0;for(int i=0;i<4*H;i++)s+=w[i]*dz[i];dh[j]=s;}
    for(int i=0;i<4*H;i++)gb[i]+=dz[i];
  }
  for(int j=0;j<N;j++){float*g=gW+j*4*H;for(int t=0;t<T;t++){float s=X[t*N+j];const float*dz=dZ+t*4*H;for(int i=0;i<4*H;i++)g[i]+=s*dz[i];}}
}
static void adam(float*p,float*g,float*m,float*v,int n,float lr,float c1,float c2){
  for(int i=0;i<n;i++){float gg=g[i];m[i]=.9f*m[i]+.1f*gg;v[i]=.999f*v[i]+.001f*gg*gg;p[i]-=lr*(m[i]*c1)/(sqrtf(v[i]*c2)+1e-8f);g[i]=0;}
}
int main(int ac,char**av){H=atoi(av[1]);I=8;N=I+H;int n=N*4*H;
 W=al(n);gW=al(n);mW=al(n);vW=al(n);b=al(4*H);gb=al(4*H);mb=al(4*H);vb=al(4*H);V=al(H);gV=al(H);mV=al(H);vV=al(H);
 X=al(T*N);Z=al(T*4*H);C=al((T+1)*H);Hs=al((T+1)*H);TC=al(T*H);dZ=al(T*4*H);
 srand(1);for(int i=0;i<n;i++)W[i]=(rand()/(float)RAND_MAX-.5f)*2/sqrtf(H);for(int i=0;i<H;i++)V[i]=(rand()/(float)RAND_MAX-.5f)*2/sqrtf(H);
 long M=atol(av[2]);float x[8],dy[T];double loss=0;float b1=1,b2=1;
 struct timespec a,e;clock_gettime(CLOCK_MONOTONIC,&a);
 for(long k=0;k<M;k++){int t=k%T;for(int i=0;i<8;i++)x[i]=sinf(.1f*k*(i+1));float y=fwd(t,x);float tgt=sinf(.1f*(k+1));dy[t]=(y-tgt)/T;loss+=(y-tgt)*(y-tgt);
  if(t==T-1){bwd(dy);b1*=.9f;b2*=.999f;float c1=1/(1-b1),c2=1/(1-b2);adam(W,gW,mW,vW,n,1e-3,c1,c2);adam(b,gb,mb,vb,4*H,1e-3,c1,c2);adam(V,gV,mV,vV,H,1e-3,c1,c2);memcpy(Hs,Hs+T*H,H*4);memcpy(C,C+T*H,H*4);}}
 clock_gettime(CLOCK_MONOTONIC,&e);double s=(e.tv_sec-a.tv_sec)+(e.tv_nsec-a.tv_nsec)*1e-9;
 printf("H=%d events/s=%.0f us/event=%.2f loss=%.6f\n",H,M/s,s/M*1e6,loss/M);
}
